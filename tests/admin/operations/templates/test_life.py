"""Duplicating, deleting, unpausing, dropping an edit, and taking from Meta's library."""

import pytest
from sqlalchemy import delete, select

from admin.operations.templates.delete import delete_template, unpause_template
from admin.operations.templates.drafts import discard_edit, duplicate_template, edit_template
from admin.operations.templates.library import button_input, search_library, take_from_library
from admin.operations.templates.submit import submit_template
from bot.meta.template_admin import TemplateAdmin
from jobs.campaigns.lifecycle import pause_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.number import Number
from models.tables.template import Template
from models.tables.template_life import TemplateEventKind
from models.templates.definition.problems import DefinitionError
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_campaign
from tests.support.media import PNG
from tests.support.template_files import template_json
from tests.support.templates import ANA, at_meta, draft_of, life, row_of, write_coupon

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]


def test_a_template_is_duplicated_to_another_language_as_a_draft(shell: Shell) -> None:
    copied = duplicate_template(shell.rt, "spring_sale", "en", "fr", ANA)
    assert (copied.name, copied.language, copied.status) == ("spring_sale", "fr", "DRAFT")
    assert row_of(shell, "spring_sale", "fr").components == row_of(shell, "spring_sale", "en").components
    with pytest.raises(OperatorError, match="there is one already, APPROVED"):
        duplicate_template(shell.rt, "spring_sale", "en", "es", ANA)
    with pytest.raises(DefinitionError, match="Meta writes pt_BR"):
        duplicate_template(shell.rt, "spring_sale", "en", "pt-br", ANA)
    with pytest.raises(OperatorError, match="it is there in en, es, fr, pt_BR"):
        duplicate_template(shell.rt, "spring_sale", "de", "it", ANA)


def test_a_draft_can_get_another_name(shell: Shell) -> None:
    before = write_coupon(shell)
    renamed = edit_template(shell.rt, "coupon", "en_US", template_json("coupon") | {"name": "voucher"}, ANA)
    assert (renamed.name, renamed.status) == ("voucher", "DRAFT")
    assert draft_of(shell, before.id) is None or renamed.id == before.id
    with pytest.raises(OperatorError, match="there is one already"):
        edit_template(
            shell.rt, "voucher", "en_US", template_json("coupon") | {"name": "spring_sale", "language": "es"}, ANA
        )


def test_an_edit_that_waits_is_dropped_and_a_draft_is_not(shell: Shell) -> None:
    row = row_of(shell, "coupon_gift", "en")
    definition = template_json("coupon") | {"name": "coupon_gift", "language": "en"}
    with pytest.raises(OperatorError, match="no edit that waits"):
        discard_edit(shell.rt, "coupon_gift", "en", ANA)
    edit_template(shell.rt, "coupon_gift", "en", definition, ANA)
    discard_edit(shell.rt, "coupon_gift", "en", ANA)
    assert draft_of(shell, row.id) is None
    assert life(shell, row.id)[-1].kind is TemplateEventKind.DISCARDED
    write_coupon(shell)
    with pytest.raises(OperatorError, match="no edit that waits"):
        discard_edit(shell.rt, "coupon", "en_US", ANA)


def test_one_language_is_deleted_or_all_with_the_drafts_among_them(shell: Shell) -> None:
    duplicate_template(shell.rt, "spring_sale", "en", "fr", ANA)
    spanish = row_of(shell, "spring_sale", "es")
    assert delete_template(shell.rt, "spring_sale", "es", ANA).languages == ("es",)
    assert shell.meta.sim.world.find_template("spring_sale", "es") is None
    assert at_meta(shell, "spring_sale", "en")
    assert life(shell, spanish.id)[-1].before == "APPROVED"
    deleted = delete_template(shell.rt, "spring_sale", None, ANA)
    assert (set(deleted.languages), deleted.drafts) == ({"en", "pt_BR", "fr"}, ("fr",))
    assert shell.meta.sim.world.find_template("spring_sale", None) is None
    with pytest.raises(OperatorError, match="no such template"):
        delete_template(shell.rt, "spring_sale", None, ANA)


def test_a_deletion_whose_answer_was_lost_is_done_again(shell: Shell) -> None:
    shell.meta.sim.world.remove_template(at_meta(shell, "spring_sale", "es"))
    delete_template(shell.rt, "spring_sale", "es", ANA)
    assert row_of(shell, "spring_sale", "es").status == "DELETED"


def test_what_meta_does_not_delete_stays(shell: Shell) -> None:
    at_meta(shell, "coupon_gift", "en").status = "DISABLED"
    with pytest.raises(OperatorError, match="disabled template cannot be deleted"):
        delete_template(shell.rt, "coupon_gift", "en", ANA)
    assert row_of(shell, "coupon_gift", "en").missing_at is None


def test_a_pause_for_low_quality_is_not_lifted_and_metas_reason_is_said(shell: Shell) -> None:
    with pytest.raises(OperatorError, match="paused for low quality cannot be unpaused"):
        unpause_template(shell.rt, "winter_sale", "en", ANA)
    assert row_of(shell, "winter_sale", "en").status == "PAUSED"
    shell.refused("templates", "unpause", "winter_sale", "en")


def test_a_pause_that_came_from_pacing_is_lifted(shell: Shell) -> None:
    at_meta(shell, "winter_sale", "en").quality = "YELLOW"
    assert unpause_template(shell.rt, "winter_sale", "en", ANA).status == "APPROVED"
    kinds = [event.kind for event in life(shell, row_of(shell, "winter_sale", "en").id)]
    assert kinds[-3:] == [TemplateEventKind.UNPAUSED, TemplateEventKind.STATUS, TemplateEventKind.QUALITY]
    with pytest.raises(OperatorError, match="it is APPROVED, not paused"):
        unpause_template(shell.rt, "winter_sale", "en", ANA)


def test_a_template_of_metas_library_is_approved_at_once(shell: Shell) -> None:
    (item,) = search_library(shell.rt, search="on its way")
    assert (item.name, item.category, len(item.buttons)) == ("delivery_update_1", "UTILITY", 1)
    with pytest.raises(OperatorError, match="has 1 buttons"):
        take_from_library(shell.rt, item, "our_delivery", [], ANA)
    inputs = [button_input("URL", "https://shop.example/{{1}}")]
    taken = take_from_library(shell.rt, item, "our_delivery", inputs, ANA)
    assert (taken.name, taken.status) == ("our_delivery", "APPROVED")
    row = row_of(shell, "our_delivery", "en_US")
    assert [part["type"] for part in row.components] == ["HEADER", "BODY", "BUTTONS"]


def test_a_sample_is_uploaded_in_pieces_when_the_connection_is_lost(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell.directory / "a.png").write_bytes(PNG + b"\x00" * 5_000)
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["a.png"]}}
    definition = template_json("coupon")
    definition["components"][0] = header
    shell.ok("templates", "create", shell.file("coupon.json", definition))
    whole = TemplateAdmin._send_from
    tried: list[int] = []

    def send(self: TemplateAdmin, upload: str, offset: int, content: bytes) -> dict[str, object]:
        tried.append(offset)
        if len(tried) == 1:
            return whole(self, upload, 0, content[:2_000])
        return whole(self, upload, offset, content)

    monkeypatch.setattr(TemplateAdmin, "_send_from", send)
    shell.ok("templates", "submit", "coupon", "en_US")
    assert tried == [0, 2_000]
    handle = at_meta(shell, "coupon", "en_US").components[0]["example"]["header_handle"][0]
    assert len(shell.meta.sim.media.handles[handle].data) == len(PNG) + 5_000


def test_a_template_that_a_campaign_is_sending_is_neither_edited_nor_deleted(shell: Shell) -> None:
    row = row_of(shell, "coupon_gift", "en")
    with shell.rt.database.write() as session:
        number = session.scalars(select(Number)).one()
        campaign = make_campaign(session, number, session.get_one(Template, row.id), name="Gift", now=utcnow())
        campaign.status = CampaignStatus.ACTIVE
        campaign_id = campaign.id
    definition = template_json("coupon") | {"name": "coupon_gift", "language": "en"}
    edit_template(shell.rt, "coupon_gift", "en", definition, ANA)
    with pytest.raises(OperatorError, match=r"\(Gift\) is sending the template coupon_gift; pause it"):
        submit_template(shell.rt, "coupon_gift", "en", ANA)
    with pytest.raises(OperatorError, match="pause it or let it end first"):
        delete_template(shell.rt, "coupon_gift", None, ANA)
    pause_campaign(shell.rt, campaign_id, utcnow(), ANA)
    assert delete_template(shell.rt, "coupon_gift", None, ANA).languages == ("en",)


def test_a_language_that_is_paused_alone_can_be_edited(shell: Shell) -> None:
    row = row_of(shell, "coupon_gift", "en")
    with shell.rt.database.write() as session:
        number = session.scalars(select(Number)).one()
        template = session.get_one(Template, row.id)
        campaign = make_campaign(session, number, template, name="Gift", now=utcnow(), status=CampaignStatus.ACTIVE)
        session.flush()
        session.execute(delete(Cohort).where(Cohort.campaign_id == campaign.id))
        cohort = Cohort(campaign_id=campaign.id, position=0, template_id=row.id, created_at=utcnow())
        session.add(cohort)
        session.flush()
        cohort_id = cohort.id
    definition = template_json("coupon") | {"name": "coupon_gift", "language": "en"}
    edit_template(shell.rt, "coupon_gift", "en", definition, ANA)
    with pytest.raises(OperatorError, match="is sending the template"):
        submit_template(shell.rt, "coupon_gift", "en", ANA)
    with shell.rt.database.write() as session:
        cohort = session.get_one(Cohort, cohort_id)
        cohort.pause_reason, cohort.paused_at = PauseReason.TEMPLATE_PAUSED, utcnow()
    assert submit_template(shell.rt, "coupon_gift", "en", ANA).name == "coupon_gift"
