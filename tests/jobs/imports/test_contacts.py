"""Rows of a contacts file become contacts."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.imports.lists import import_list
from jobs.imports.orders import import_orders
from jobs.imports.result import ImportResult
from models.config import Settings
from models.contacts.merge import merge_contacts
from models.crypto import new_encryption_key
from models.events.shop import ShopEventResult, apply_shop_event
from models.events.shop_types import ShopCustomer, ShopEvent, ShopPhone
from models.privacy.redact import redact_person
from models.tables.contact import Consent, ConsentEvent, Contact, Suppression
from models.tables.order import Order
from models.tables.recipient import RecipientState
from models.tables.tag import Attribute, ContactTag, ListMember
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import ALICE_PHONE, alice, make_attribute, make_contact
from tests.support.import_rig import HEADER, counts, people, tags_of
from tests.support.running_hark import wait_for


def test_a_file_becomes_contacts_and_the_same_file_again_changes_nothing(bare_rt: Runtime, file: Path) -> None:
    file.write_text(
        "phone,name,language,consent,consent_source,tags,shop,country\n"
        "+34600000011,Dora,es,subscribed,web form,vip;city=Madrid,Gran Vía,\n"
        '+447700900123,"Smith, John",en,,,,,GB\n'
    )
    assert counts(import_contacts(bare_rt, file, dry_run=True)) == (2, 0, 0, 0)
    assert people(bare_rt) == {}
    assert counts(import_contacts(bare_rt, file)) == (2, 0, 0, 0)
    first = people(bare_rt)
    dora, john = first["+34600000011"], first["+447700900123"]
    assert (dora.name, dora.language, dora.consent, dora.country) == ("Dora", "es", Consent.SUBSCRIBED, "ES")
    assert dora.attributes == {"shop": "Gran Vía"}
    assert (john.name, john.consent, john.attributes, john.country) == ("Smith, John", Consent.UNKNOWN, {}, "GB")
    assert tags_of(bare_rt, "+34600000011") == {"vip": None, "city": "Madrid"}
    with bare_rt.database.read() as session:
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.before, event.after, event.source) == (None, Consent.SUBSCRIBED, "web form")
        assert event.proof == "people.csv line 2"
        assert session.scalars(select(Attribute.name)).all() == ["shop"]

    assert counts(import_contacts(bare_rt, file, dry_run=True)) == (0, 0, 2, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 2, 0)
    assert people(bare_rt)["+34600000011"].updated_at == dora.updated_at


def test_case_does_not_tell_tags_apart(bare_rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "+34600000011,Dora,es,subscribed,form,Vip;City=Madrid;vip\n")
    import_contacts(bare_rt, file)
    file.write_text(HEADER + "+34600000011,Dora,es,subscribed,form,VIP;CITY=Madrid\n")
    assert counts(import_contacts(bare_rt, file, dry_run=True)) == (0, 0, 1, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 1, 0)
    file.write_text(HEADER + "+34600000011,Dora,es,,,city\n+34600000011,Dora,es,,,CITY=Sevilla\n")
    assert import_contacts(bare_rt, file).updated == 1
    assert tags_of(bare_rt, "+34600000011") == {"Vip": None, "City": "Sevilla"}


def test_later_files_change_what_they_say_and_nothing_else(bare_rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "+34600000012,Eva,es,subscribed,form,vip;city=Madrid\n")
    import_contacts(bare_rt, file)
    file.write_text(HEADER + "0034 600 000 012,,,,,city=Sevilla;new\n")
    assert counts(import_contacts(bare_rt, file, dry_run=True)) == (0, 1, 0, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 0, 0)
    eva = people(bare_rt)["+34600000012"]
    assert (eva.name, eva.language, eva.consent) == ("Eva", "es", Consent.SUBSCRIBED)
    assert tags_of(bare_rt, "+34600000012") == {"vip": None, "city": "Sevilla", "new": None}
    file.write_text("phone,tags\n+34600000012,city\n")
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 1, 0)


def test_a_row_with_a_number_from_before_fills_what_the_person_lacks_and_changes_nothing_else(
    bare_rt: Runtime, file: Path
) -> None:
    with bare_rt.database.write() as session:
        kept = make_contact(
            session, "+34600000012", name="Eva", consent=Consent.UNKNOWN, consent_at=None, tags={"city": "Madrid"}
        )
        for phone in ("+34600000091", None):
            raw: dict[str, Any] = {} if phone else {"raw_phone": "600111222", "phone_problem": "missing_calling_code"}
            merge_contacts(
                session, kept.id, make_contact(session, phone, tags={}, name="", consent=Consent.UNKNOWN, **raw).id, NOW
            )
    old = "+34600000091,Eve,es,subscribed,form,city=Sevilla;new\n600111222,Ev,,,,\n"
    file.write_text(HEADER + old)
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 1, 0)
    [eva] = [contact for contact in people(bare_rt).values() if contact.merged_into_id is None]
    assert (eva.phone, eva.name, eva.language, eva.consent) == ("+34600000012", "Eva", "es", Consent.UNKNOWN)
    assert tags_of(bare_rt, "+34600000091") == {"city": "Madrid", "new": None}
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 2, 0)
    file.write_text("phone,consent\n+34600000091,unsubscribed\n")
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 0, 0)
    assert people(bare_rt)["+34600000012"].consent is Consent.UNSUBSCRIBED


def test_bad_rows_are_told_by_line_and_stop_nothing(bare_rt: Runtime, file: Path) -> None:
    rows = [
        ("hello,Nobody,,,,", "no phone number"),
        (",Nobody,,,,", "phone is missing"),
        ("+34600000025,X,,,,,surplus", "7 cells"),
        ('+34600000026,"X" Y,,,,', "is no CSV"),
        ("=1+1,X,,,,", "no phone number"),
        ("+34600000027,X\x00,,,,", "NUL"),
        ('+34600000029,"never closed,,,,', "never closed"),
    ]
    body = HEADER + "+34600000001,First,,,,\n" + "".join(f"{row}\n" for row, _ in rows) + "\n+34600000002,Last,,,,\n"
    file.write_text(body)
    result = import_contacts(bare_rt, file)
    assert counts(result) == (2, 0, 0, len(rows))
    assert [refusal["line"] for refusal in result.refused] == list(range(3, 3 + len(rows)))
    for refusal, (_row, reason) in zip(result.refused, rows, strict=True):
        assert reason in refusal["reason"]
        assert "\n" not in refusal["reason"]
    assert set(people(bare_rt)) == {"+34600000001", "+34600000002"}
    assert result.to_json()["refused"] == result.refused


@pytest.mark.parametrize("before", [Consent.UNSUBSCRIBED, Consent.INVALID])
def test_an_import_never_raises_who_left_or_is_invalid(bare_rt: Runtime, file: Path, before: Consent) -> None:
    with bare_rt.database.write() as session:
        contact = make_contact(session, "+34600000040", name="Gone", consent=before)
    file.write_text(HEADER + "+34600000040,New name,,subscribed,a form,\n")
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 0, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 1, 0)
    kept = people(bare_rt)["+34600000040"]
    assert (kept.id, kept.name, kept.consent) == (contact.id, "New name", before)


def test_an_import_that_takes_consent_away_cancels_what_is_queued(bare_rt: Runtime, file: Path) -> None:
    with bare_rt.database.write() as session:
        person = alice(session)
        row = make_recipient(session, make_campaign(session), person)
    file.write_text(f"phone,consent\n{person.phone},unsubscribed\n")
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 0, 0)
    with bare_rt.database.read() as session:
        assert session.get_one(type(row), row.id).state is RecipientState.NOT_SENT


def test_a_redacted_person_stays_out(bare_rt: Runtime, file: Path) -> None:
    with bare_rt.database.write() as session:
        hashed = bare_rt.vault.person_hash("wa:34600000050")
        session.add(Suppression(person_hash=hashed, reason="redacted", created_at=NOW))
    file.write_text(HEADER + "+34 600 000 050,Back,,subscribed,form,\n+34600000051,Other,,,,\n")
    result = import_contacts(bare_rt, file)
    assert counts(result) == (1, 0, 0, 1)
    assert result.refused[0]["line"] == 2
    assert "redacted" in result.refused[0]["reason"]
    assert set(people(bare_rt)) == {"+34600000051"}


@pytest.mark.race
def test_who_is_wiped_while_files_and_news_of_a_shop_are_taken_is_in_none_of_them(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=postgres_url, redis_url=None, var_dir=tmp_path, encryption_keys=(new_encryption_key(),)
    )
    rt, file = Runtime(settings), tmp_path / "file.csv"
    with rt.database.write() as session:
        person = alice(session).id
    file.write_text(f"order_id,phone,total,currency,placed_at\n1,{ALICE_PHONE},5,EUR,2026-11-20\n")
    refused: list[ImportResult] = []
    customer = ShopCustomer("1", ShopPhone(ALICE_PHONE), {"first_name": "Alice"}, tags=("vip",))
    shop: list[ShopEventResult] = []
    works = [
        lambda: import_contacts(rt, file, columns={"order_id": "", "total": "", "currency": "", "placed_at": ""}),
        lambda: import_list(rt, file, "Spring", columns={"order_id": "", "total": "", "currency": "", "placed_at": ""}),
        lambda: import_orders(rt, file),
    ]
    threads = [threading.Thread(target=lambda work=work: refused.append(work())) for work in works]
    threads.append(threading.Thread(target=lambda: shop.append(_told(rt, ShopEvent("shop", "1", customer)))))
    with rt.database.write() as session:
        assert redact_person(session, person, rt.vault, NOW, "dpo")
        for thread in threads:
            thread.start()
        wait_for(lambda: _waiting(rt) == len(threads), 60, "all of them wait for the redaction")
    for thread in threads:
        thread.join()
    assert ([counts(result) for result in refused], shop) == ([(0, 0, 0, 1)] * 3, [ShopEventResult.UNREACHABLE])
    with rt.database.read() as session:
        assert session.execute(select(Contact.id, Contact.first_name)).all() == [(person, None)]
        left = [session.scalar(select(func.count()).select_from(it)) for it in (ListMember, Order, ContactTag)]
    assert left == [0, 0, 0]
    rt.close()


def _told(rt: Runtime, event: ShopEvent) -> ShopEventResult:
    with rt.database.write() as session:
        return apply_shop_event(session, event, NOW, rt.vault)


def _waiting(rt: Runtime) -> int:
    """Who waits for a lock."""
    with rt.database.read() as session:
        locked = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return int(session.execute(locked).scalar_one())


@pytest.mark.parametrize(
    ("wiped_as", "given"), [("wa:34600000050", "34600000050"), ("raw:34600000050", "+34600000050")]
)
def test_a_redacted_person_does_not_come_back_by_another_spelling(
    bare_rt: Runtime, file: Path, wiped_as: str, given: str
) -> None:
    with bare_rt.database.write() as session:
        hashed = bare_rt.vault.person_hash(wiped_as)
        session.add(Suppression(person_hash=hashed, reason="redacted", created_at=NOW))
    file.write_text(HEADER + f"{given},Back,,subscribed,form,\n")
    result = import_contacts(bare_rt, file)
    assert counts(result) == (0, 0, 0, 1)
    assert people(bare_rt) == {}


def test_lines_of_one_person_become_one_contact(bare_rt: Runtime, file: Path) -> None:
    file.write_text(
        HEADER
        + "+5531987654321,Rita,pt,subscribed,form,order=1\n"
        + "+34600000052,Other,,,,\n"
        + "+55 31 8765-4321,Rita Maria,,,,vip\n"
    )
    assert counts(import_contacts(bare_rt, file, dry_run=True)) == (2, 0, 1, 0)
    assert counts(import_contacts(bare_rt, file)) == (2, 0, 1, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 3, 0)
    rita = people(bare_rt)["+5531987654321"]
    assert (rita.name, rita.language) == ("Rita Maria", "pt")
    assert tags_of(bare_rt, "+5531987654321") == {"order": "1", "vip": None}


def test_who_is_unsubscribed_on_any_line_of_the_file_is_unsubscribed(bare_rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "+34600000053,X,,unsubscribed,,\n+34600000053,X,,subscribed,form,\n")
    import_contacts(bare_rt, file)
    assert people(bare_rt)["+34600000053"].consent is Consent.UNSUBSCRIBED


def test_numbers_that_cannot_be_called_are_kept_with_their_problem(bare_rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "600111222,No code,,,,vip\n+34123,Short,,,,\n")
    assert counts(import_contacts(bare_rt, file)) == (2, 0, 0, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 2, 0)
    kept = people(bare_rt)
    assert kept["600111222"].phone_problem == "missing_calling_code"
    assert kept["600111222"].person_key == f"c:{kept['600111222'].id}"
    assert kept["+34123"].phone_problem == "invalid_phone"


def test_a_country_set_later_mends_the_record_and_makes_no_second_one(bare_rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "600111222,No code,,,,vip\n")
    import_contacts(bare_rt, file)
    bare_rt.settings = replace(bare_rt.settings, default_country="ES")
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 0, 0)
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 1, 0)
    (mended,) = people(bare_rt).values()
    assert (mended.phone, mended.raw_phone, mended.phone_problem) == ("+34600111222", None, None)
    assert (mended.person_key, mended.country) == ("wa:34600111222", "ES")


def test_of_two_spellings_in_one_file_the_whole_number_stays(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone\n34600111222\n")
    import_contacts(bare_rt, file)
    file.write_text("phone\n+34600111222\n34600111222\n")
    assert counts(import_contacts(bare_rt, file)) == (0, 1, 1, 0)
    (mended,) = people(bare_rt).values()
    assert (mended.phone, mended.raw_phone, mended.phone_problem) == ("+34600111222", None, None)


def test_attributes_keep_their_type(bare_rt: Runtime, file: Path) -> None:
    with bare_rt.database.write() as session:
        make_attribute(session, "visits", type="number")  # type: ignore[arg-type]
        make_attribute(session, "born", type="date")  # type: ignore[arg-type]
    file.write_text("phone,visits,born\n+34600000061,12,1990-02-03\n+34600000062,many,\n+34600000063,,3.2.1990\n")
    result = import_contacts(bare_rt, file)
    assert (result.created, result.refused) == (3, [])
    assert [(warning["line"], warning["column"]) for warning in result.warnings] == [(3, "visits"), (4, "born")]
    assert "visits is 'many', no number" in str(result.warnings[0]["reason"])
    assert "born is '3.2.1990', no date" in str(result.warnings[1]["reason"])
    assert people(bare_rt)["+34600000061"].attributes == {"visits": 12, "born": "1990-02-03"}
    assert people(bare_rt)["+34600000062"].attributes == {}
