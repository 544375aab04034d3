"""Explains why somebody gets a campaign's message or does not, and hands out the proof about it."""

from flask import Response, abort, flash, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from admin.operations.proofs.make import make_proof
from admin.panel.base import PanelView, back, page, positive, sentence
from models.clock import utcnow
from models.contacts.resolve import surviving_contact_id
from models.errors import OperatorError
from models.explanations.explain import explain
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.recipient import Recipient
from models.tables.user import Role

MAX_CAMPAIGNS = 300


class ContactExplanation(PanelView):
    """The routes of *Why (not) me?* and of the proof."""

    @page("/<int:contact_id>/why")
    def why(self, contact_id: int) -> ResponseReturnValue:
        """The explanation of the campaign that the address names; without one, the choice of a campaign."""
        campaign_id, now = positive("campaign"), utcnow()
        with self.rt.database.read() as session:
            contact = session.get(Contact, contact_id)
            if contact is None:
                abort(404)
            contact = session.get_one(Contact, surviving_contact_id(session, contact_id))
            campaign = session.get(Campaign, campaign_id) if campaign_id < 2**31 else None
            if campaign is not None and campaign.deleted_at is not None:
                campaign = None
            if campaign is None and campaign_id:
                abort(404)
            explanation = (
                explain(session, campaign, contact, now, self.rt.settings.time_zone) if campaign is not None else None
            )
            choices = campaign_options(session, contact.id)
            is_in_it = campaign is not None and bool(
                session.scalar(
                    select(Recipient.id)
                    .where(Recipient.campaign_id == campaign.id, Recipient.contact_id == contact.id)
                    .limit(1)
                )
            )
        return self.render(
            "panel/contact_why.html",
            contact=contact,
            campaign=campaign,
            explanation=explanation,
            choices=choices,
            proof_url=url_for(".proof", contact_id=contact.id, campaign_id=campaign.id)
            if campaign is not None and is_in_it and contact.redacted_at is None
            else None,
        )

    @page("/<int:contact_id>/proof/<int:campaign_id>.zip", Role.MANAGER)
    def proof(self, contact_id: int, campaign_id: int) -> ResponseReturnValue:
        """The signed proof about the person in a campaign."""
        try:
            data = make_proof(self.rt, campaign_id, contact_id, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".show", contact_id=contact_id)
        headers = {
            "Content-Disposition": f'attachment; filename="proof-campaign-{campaign_id}-contact-{contact_id}.zip"',
            "Cache-Control": "no-store",
        }
        return Response(data, mimetype="application/zip", headers=headers)


def campaign_options(session: Session, contact_id: int) -> list[tuple[str, str]]:
    """The campaigns to choose from, the newest first, and all that the contact is in."""
    mine = select(Recipient.campaign_id).where(Recipient.contact_id == contact_id)
    newest = select(Campaign.id).where(Campaign.deleted_at.is_(None)).order_by(Campaign.id.desc()).limit(MAX_CAMPAIGNS)
    query = select(Campaign.id, Campaign.name, Campaign.status).where(
        Campaign.deleted_at.is_(None), or_(Campaign.id.in_(newest), Campaign.id.in_(mine))
    )
    rows = session.execute(query.order_by(Campaign.id.desc()))
    return [(str(row.id), f"{row.name or 'Without a name'} ({row.id}), {row.status.value}") for row in rows]
