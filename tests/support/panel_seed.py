"""Something of everything, so that every page of the panel has something to show."""

from datetime import timedelta
from typing import Any

from admin.operations.flows import load_flow_file
from admin.operations.segments import put_segment
from jobs.core.runtime import Runtime
from jobs.imports.uploads import UploadStage, rejects_path, save_upload, store_upload, uploads_directory
from jobs.media.library import add_media
from models.clock import utcnow
from models.events.dead_letters import keep_dead_letter
from models.tables.campaign import CampaignKind, CampaignOutcome, CampaignStatus
from models.tables.conversation import Direction, Message, MessageState
from models.tables.goal import Goal, GoalEvent
from models.tables.recipient import NotSent, RecipientState
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import alice, bob, make_attribute, make_contact, make_list
from tests.support.factories.conversations import carol, make_conversation
from tests.support.media import MP4, PDF, PNG
from tests.support.paths import EXAMPLES

FLOW = EXAMPLES / "spring_replies.yaml"


KEPT = "k" * 24


def furnish(rt: Runtime) -> None:
    """Campaign 1 is active, 2 a draft, 3 ready, 4 a test; alice (contact 1) has written; conversation 1 is hers.

    A file of contacts is being imported. The media library has a picture (1), a video and a document."""
    now = utcnow()
    for name, content in (("spring.png", PNG), ("film.mp4", MP4), ("prices.pdf", PDF)):
        add_media(rt, name, [content], "manager@example.com", now)
    with rt.database.write() as session:
        number = make_number(
            session, now=now, access_token=rt.vault.encrypt("token"), messaging_limit=2000, read_at=now
        )
        template = make_template(session, number, now=now, name="spring")
        people = [alice(session, now=now), bob(session, now=now), carol(session, number, now=now)]
        people += [
            make_contact(session, name=f"Person {place}", now=now, tags={"city": "Madrid"}) for place in range(60)
        ]
        make_attribute(session, "shop", now=now)
        make_list(session, "Regulars", *people[:5], now=now)
        active = make_campaign(
            session,
            number,
            template,
            now=now,
            status=CampaignStatus.ACTIVE,
            outcome=CampaignOutcome.SENDING,
            launched_at=now,
        )
        session.add(Goal(campaign_id=active.id, place=0, event=GoalEvent.PURCHASE, within_days=7, has_value=True))
        make_campaign(
            session, number, template, now=now, name="Idea", status=CampaignStatus.DRAFT, variables={}, audience={}
        )
        make_campaign(session, number, template, now=now, name="Loyal")
        make_campaign(session, number, template, now=now, name="Try", kind=CampaignKind.TEST, tests_id=3)
        make_recipient(
            session,
            active,
            people[0],
            now=now,
            state=RecipientState.ACCEPTED,
            accepted_at=now,
            read_at=now,
            replied_at=now,
        )
        make_recipient(
            session, active, people[1], now=now, state=RecipientState.NOT_SENT, reason=NotSent.NOT_SUBSCRIBED
        )
        make_recipient(session, active, people[2], now=now, state=RecipientState.UNSURE, unsure_at=now, attempts=1)
        for place, person in enumerate(people[3:]):
            failed: dict[str, Any] = {
                "state": RecipientState.REFUSED,
                "error_code": 131026,
                "error_msg": "Undeliverable",
                "failed_at": now,
            }
            make_recipient(session, active, person, now=now, **(failed if place % 5 == 0 else {}))
        talk = make_conversation(session, people[0], number, last_inbound_at=now - timedelta(hours=1), now=now)
        session.add(
            Message(
                conversation_id=talk.id, direction=Direction.IN, state=MessageState.RECEIVED, type="text",
                body="Do you have it in green?", at=now - timedelta(hours=1), handled_at=now,
            )
        )  # fmt: skip
        keep_dead_letter(session, b"{", "BadEventError: no JSON", now)
    load_flow_file(rt, FLOW.read_text(encoding="utf-8"), "test")
    put_segment(rt, "Madrid", {"all": [{"on": "tag", "op": "is", "name": "city", "value": "Madrid"}]}, "test")
    _bring(rt)


def _bring(rt: Runtime) -> None:
    """A file of contacts that was looked at, with a row that was refused."""
    kept = store_upload(rt, "people.csv", b"phone,name\n+447700900001,Ana\nnonsense,Carl\n", "test")
    uploads_directory(rt, kept.token).rename(uploads_directory(rt, KEPT))
    kept.token, kept.stage, kept.columns = KEPT, UploadStage.DRY_RUN_DONE, {"phone": "phone", "name": "name"}
    kept.created, kept.refused_total, kept.refused = 1, 1, [{"line": 3, "reason": "it is no phone number"}]
    save_upload(rt, kept)
    rejects_path(rt, KEPT).write_text("refused_line,refused_why,phone,name\r\n", encoding="utf-8")
