"""Sends one more campaign in the demo, to an old list on which much is wrong, so that its signals can be seen.

Its people have phones in London that Ofcom keeps for drama: 020 7946 0000 to 0999.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from admin.demo.check import Sandbox
from admin.operations.campaigns import create_campaign
from admin.operations.signals.report import campaign_report
from jobs.campaigns.start import start_campaign
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.signals.count import recount
from models.clock import utcnow

TAG = "old list"
PEOPLE = 170
WITHOUT_CODE, WITHOUT_CONSENT = 12, 45
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"kind": "fail", "code": 131049, "share": 0.2, "count": 22},
    {"kind": "fail", "code": 131026, "share": 0.3, "count": 24},
    {"kind": "stop", "share": 0.3, "count": 9},
)
"""What the simulated Meta and its people do: each fault to so many of the messages, spread over all."""
LEAST = 4
"""So many signals its page shows at least."""
CAMPAIGN: Mapping[str, Any] = {
    "name": "Spring, once more",
    "template": {"name": "spring_sale", "language": "en"},
    "audience": {"include": [{"tag": TAG}]},
    "variables": {"body": {"1": {"source": "first_name", "fallback": "there"}, "2": {"source": "text", "text": "10%"}}},
    "pace": {"per_second": 60},
}


def send_to_old_list(rt: Runtime, sandbox: Sandbox, directory: Path, phone_number_id: str, actor: str) -> int:
    """Create and start the campaign; returns its id. Raises OperatorError if it cannot be started."""
    people = directory / "old_list.csv"
    people.write_text("\n".join(["phone,name,consent,consent_source,tags", *_lines(), ""]), encoding="utf-8")
    import_contacts(rt, people, actor=actor)
    for fault in FAULTS:
        sandbox.inject({**fault, "scope": phone_number_id})
    campaign = create_campaign(rt, {"number": phone_number_id, **CAMPAIGN}, actor)
    start_campaign(rt, campaign.id, utcnow(), actor)
    return campaign.id


def signal_sentences(rt: Runtime, campaign_id: int) -> list[str]:
    """The sentences of its signals, counted now."""
    recount(rt, campaign_id, utcnow())
    return [shown.signal.sentence.translated() for shown in campaign_report(rt, campaign_id).signals]


def _lines() -> Iterator[str]:
    for place in range(PEOPLE):
        phone = f"+442079460{place:03d}" if place >= WITHOUT_CODE else f"02079460{place:03d}"
        consent = "not_subscribed" if place >= PEOPLE - WITHOUT_CONSENT else "subscribed"
        yield f"{phone},Reader {place + 1},{consent},list of 2019,{TAG}"
