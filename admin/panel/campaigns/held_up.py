"""Lists what Meta's decisions about templates hold up of a campaign, and lets it go on, with the same template or another."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.panel.base import PanelView, action, back
from admin.panel.live_stats import live_stats
from jobs.campaigns.cohorts import replace_and_resume, resume_language
from models.campaigns.replacement import is_held_up, replacements
from models.clock import utcnow
from models.sending.cohorts import cohorts_of
from models.tables.campaign import Campaign, PauseReason
from models.tables.user import Role


@dataclass(frozen=True)
class HeldUp:
    """A language whose template holds it up. `is_alone`: the others of its campaign go on. `choices`: what could replace it."""

    language: str
    template: str
    is_alone: bool
    reason: PauseReason | None
    detail: str | None
    choices: Sequence[str]


def list_held_up(session: Session, campaign: Campaign) -> tuple[HeldUp, ...]:
    """What Meta holds up of the campaign, by the order of its languages."""
    if campaign.started_at is None:
        return ()
    cohorts = {
        cohort.template_id: cohort for cohort in cohorts_of(session, campaign.id) if is_held_up(campaign, cohort)
    }
    return tuple(
        HeldUp(
            language=cohort.template.language,
            template=cohort.template.name,
            is_alone=cohort.paused_at is not None,
            reason=cohort.pause_reason or campaign.pause_reason,
            detail=cohort.pause_detail or campaign.pause_detail,
            choices=[template.name for template in replacements(session, cohort)],
        )
        for cohort in cohorts.values()
    )


class HeldUpActions(PanelView):
    """The routes that let a language, or a campaign, go on after Meta's decision about its template."""

    @action("/<int:campaign_id>/resume-language", Role.MANAGER)
    def resume_language(self, campaign_id: int) -> ResponseReturnValue:
        """Resume one language, if Meta says that its template may be sent."""
        language = request.form.get("language", "")[:16]
        operation = lambda: resume_language(self.rt, campaign_id, language, utcnow(), self.me.email)  # noqa: E731
        self.attempt(f"It goes on in {language}.", operation)
        live_stats().forget(campaign_id)
        return back(".show", campaign_id=campaign_id)

    @action("/<int:campaign_id>/replace-template", Role.MANAGER)
    def replace_template(self, campaign_id: int) -> ResponseReturnValue:
        """Go on with another template: who waits gets it, and who has the message keeps what they got."""
        language, name = request.form.get("language", "")[:16] or None, request.form.get("template", "").strip()
        operation = lambda: replace_and_resume(  # noqa: E731
            self.rt, campaign_id, language, name, utcnow(), self.me.email
        )
        self.attempt(f"It goes on with {name[:100]}.", operation)
        live_stats().forget(campaign_id)
        return back(".show", campaign_id=campaign_id)
