"""A campaign's export: how many people are in it, and that importing it changes nobody."""

from pathlib import Path

import pytest
from sqlalchemy import select

from admin.operations.exports.campaign import write_export
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from models.tables.audit import Audit
from models.tables.contact import Consent, Contact
from models.tables.recipient import RecipientState
from models.tables.tag import Attribute, ContactTag
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.contacts import make_contact
from tests.support.import_rig import counts

NAMES = (
    "Ana", "'t Hooft", "'=1+1", "=HYPERLINK(1)", "'0012", "'+34600111222", "-5", "@ana", "Ana\nRuiz", "Ana\r\nRuiz",
    'Ana "Ani" Ruiz', "Ruiz, Ana", "a;b\tc", "+34600000001", "\u202eevil", "𝒜na 🌸", "José Muñoz", "王小明", "''", "x" * 300, "",
    "N/A", "status",
)  # fmt: skip


@pytest.fixture
def exported(bare_rt: Runtime) -> int:
    """A campaign with a person of each name."""
    with bare_rt.database.write() as session:
        campaign = make_campaign(session)
        for place, name in enumerate(NAMES):
            consent = Consent.SUBSCRIBED if place % 2 else Consent.UNSUBSCRIBED
            person = make_contact(session, name=name, consent=consent, tags={"vip": None, "city": "Madrid, Spain"})
            person.attributes = {"shop": "=1+1"}
            make_recipient(session, campaign, person, state=RecipientState.ACCEPTED, wamid=f"wamid.{place}")
        raw = make_contact(session, raw_phone="600111222", name="Bo", phone_problem="missing_calling_code")
        make_recipient(session, campaign, raw)
        make_recipient(session, campaign, make_contact(session, wa_id="34600999001", name="Eva"))
        return campaign.id


def everything(rt: Runtime) -> list[tuple[object, ...]]:
    with rt.database.read() as session:
        people = session.execute(select(Contact.__table__).order_by(Contact.id)).all()
        tags = session.execute(select(ContactTag.__table__).order_by(ContactTag.contact_id, ContactTag.tag_id)).all()
        return [tuple(row) for row in (*people, *tags, *session.execute(select(Attribute.name)))]


@pytest.mark.parametrize("for_excel", [True, False])
def test_importing_an_export_changes_nobody_and_makes_no_attributes(
    bare_rt: Runtime, exported: int, tmp_path: Path, for_excel: bool
) -> None:
    path = tmp_path / "export.csv"
    write_export(bare_rt, exported, path, "cli", for_excel=for_excel)
    before = everything(bare_rt)
    result = import_contacts(bare_rt, path)
    assert (counts(result), result.refused) == ((0, 0, len(NAMES) + 2, 0), [])
    assert everything(bare_rt) == before


def test_people_are_counted_not_lines(bare_rt: Runtime, exported: int, tmp_path: Path) -> None:
    assert write_export(bare_rt, exported, tmp_path / "export.csv", "cli") == len(NAMES) + 2
    with bare_rt.database.read() as session:
        assert session.scalars(select(Audit.action)).all() == ["export"]
