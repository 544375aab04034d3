"""Lists the recipients of a campaign with their status: the page behind every number of the campaign's page."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import literal, select

from admin.operations.follow_up.presets import PRESETS
from admin.panel.base import PAGE_ROWS, PanelView, page, positive
from admin.panel.campaigns.actions import TWICE
from admin.panel.campaigns.facts import CampaignSummary, campaign_facts
from admin.panel.campaigns.retries import moment_of
from admin.panel.reasons.explained import explain_recipient
from models.audience.audience import AudienceError
from models.audience.eligibility import CONTACT, candidates_with_reason, load_campaign_terms, reason_detail
from models.campaigns.recipient_error import recipient_error_line
from models.campaigns.unsure import UnsureRecipient, list_unsure
from models.clock import utcnow
from models.errors import OperatorError
from models.segments.campaign_people import FIGURE_NAMES, CampaignFigure, PeopleChoice, read_people_choice
from models.stored_texts import show_stored
from models.tables.contact import Contact
from models.tables.recipient import NOT_SENT_ADVICE, NOT_SENT_TEXT, NotSent, Recipient, RecipientState
from models.tables.recipient_try import RecipientTry
from models.tries.rows import tries_of

S = RecipientState
FILTERS = {figure.value: (name,) for figure, name in FIGURE_NAMES.items() if figure is not CampaignFigure.CANDIDATES}
"""The tabs: key → its name."""


class CampaignPeople(PanelView):
    """Recipients by status; before the launch, candidates by the reason for which they would be skipped."""

    @page("/<int:campaign_id>/people")
    def people(self, campaign_id: int) -> ResponseReturnValue:
        """One page of recipients, with keyset pagination."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        choice = asked_people()
        fields = choice.to_fields()
        status, reason = (
            ("" if fields["status"] == CampaignFigure.CANDIDATES else fields["status"]),
            choice.reason or "",
        )
        problem, rows = None, []
        try:
            rows = self._launched(facts, choice) if facts.is_launched else self._estimated(facts, status, reason)
        except AudienceError as error:
            problem = str(error)
        following = None
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            arguments: dict[str, Any] = {**fields, "after": rows[-1]["id"]}
            arguments |= {"place": rows[-1]["place"]} if "place" in rows[-1] else {}
            following = url_for(".people", campaign_id=campaign_id, **arguments)
        return self.render(
            "panel/campaign_people.html", facts=facts, campaign=facts.campaign, rows=rows, filters=FILTERS, wanted=status,
            reason=reason, following=following, after=positive("after"), problem=problem, sentences=NOT_SENT_TEXT,
            advice=NOT_SENT_ADVICE,
            twice=TWICE, choice=choice, presets=PRESETS,
        )  # fmt: skip

    def _launched(self, facts: CampaignSummary, choice: PeopleChoice) -> list[dict[str, Any]]:
        if choice == PeopleChoice((CampaignFigure.UNSURE,)):
            return self._unsure(facts.campaign.id)
        query = (
            select(Recipient, Contact.name, Contact.phone, Contact.raw_phone, Contact.wa_id)
            .join(Contact, Contact.id == Recipient.contact_id)
            .where(
                Recipient.campaign_id == facts.campaign.id,
                Recipient.id > positive("after"),
                *choice.conditions(Recipient),
            )
            .order_by(Recipient.id)
            .limit(PAGE_ROWS + 1)
        )
        with self.rt.database.read() as session:
            rows = [_recipient_row(*row) for row in session.execute(query)]
            tries = tries_of(session, [row["id"] for row in rows])
            return [row | {"tries": [_try_row(item) for item in tries.get(row["id"], ())]} for row in rows]

    def _unsure(self, campaign_id: int) -> list[dict[str, Any]]:
        """Unsure recipients: first the open ones, then those that Meta settled."""
        after = (min(positive("place"), 2), positive("after"))
        with self.rt.database.read() as session:
            return [_unsure_row(row) for row in list_unsure(session, campaign_id, after=after, limit=PAGE_ROWS + 1)]

    def _estimated(self, facts: CampaignSummary, status: str, reason: str) -> list[dict[str, Any]]:
        """The candidates with the reason that the launch would find, as of now."""
        campaign = facts.campaign
        if campaign.template_id is None or campaign.number_id is None or not campaign.audience.get("include"):
            return []
        with self.rt.database.read() as session:
            terms = load_campaign_terms(session, campaign, utcnow())
            candidates = candidates_with_reason(terms, after_id=positive("after")).subquery("judged")
            detail = reason_detail(terms, candidates.c.reason).label("detail")
            columns = [CONTACT.c[name] for name in ("name", "phone", "raw_phone", "wa_id")]
            query = select(candidates.c.id, candidates.c.reason, *columns, detail).join_from(
                candidates, CONTACT, CONTACT.c.id == candidates.c.id
            )
            if reason:
                query = query.where(candidates.c.reason == literal(reason))
            elif status == "not_sent":
                query = query.where(candidates.c.reason.is_not(None))
            elif status:
                query = query.where(candidates.c.reason.is_(None))
            rows = session.execute(query.order_by(candidates.c.id).limit(PAGE_ROWS + 1)).all()
        return [_candidate_row(row) for row in rows]


def asked_people() -> PeopleChoice:
    """The people whom the address names; everybody where it names them wrongly."""
    try:
        return read_people_choice(request.args)
    except OperatorError:
        return PeopleChoice()


def _recipient_row(
    row: Recipient, name: str, phone: str | None, raw_phone: str | None, wa_id: str | None
) -> dict[str, Any]:
    moments = (
        row.replied_at,
        row.read_at,
        row.delivered_at,
        row.failed_at,
        row.sent_at,
        row.accepted_at,
        row.queued_at,
    )
    why = (show_stored(row.detail) or None) if row.reason is not None else None
    return {
        "id": row.id,
        "contact_id": row.contact_id,
        "name": name,
        "phone": phone or raw_phone or (f"+{wa_id}" if wa_id else "no phone"),
        "status": row.status,
        "reason": row.reason,
        "why": why,
        "error": explain_recipient(row.status, row.error_code, row.error_msg) if row.reason is None else None,
        "replied_at": row.replied_at,
        "left_at": row.left_at,
        "at": next((moment for moment in moments if moment), None),
    }


def _try_row(row: RecipientTry) -> dict[str, Any]:
    why = recipient_error_line(row.status, row.error_code, row.error_msg) or show_stored(row.detail)
    return {"status": row.status, "at": moment_of(row), "why": why}


def _unsure_row(row: UnsureRecipient) -> dict[str, Any]:
    error = explain_recipient(row.status, row.error_code, row.error_msg) if row.status == "failed" else None
    return {
        "id": row.recipient_id,
        "place": row.place,
        "contact_id": row.contact_id,
        "name": row.name,
        "phone": row.phone or "no phone",
        "status": row.status,
        "reason": None,
        "why": None if error else row.reason,
        "error": error,
        "replied_at": None,
        "left_at": row.left_at,
        "settled_at": row.settled_at,
        "settled_by": "Meta's report" if row.is_reported else "Meta's late answer",
        "at": row.settled_at or row.unsure_at,
    }


def _candidate_row(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "contact_id": row.id,
        "name": row.name,
        "phone": row.phone or row.raw_phone or (f"+{row.wa_id}" if row.wa_id else "no phone"),
        "status": "not_sent" if row.reason else "queued",
        "reason": NotSent(row.reason) if row.reason else None,
        "why": show_stored(row.detail) or None,
        "replied_at": None,
        "left_at": None,
        "at": None,
    }
