"""What Meta posts about the price of answers reaches the sums of number and month."""

from datetime import timedelta
from typing import Any

import pytest

from admin.operations.answers import answers_of_month
from bot.webhooks.parse import parse_payload
from jobs.campaigns.spending import recount_answers
from jobs.core.runtime import Runtime
from jobs.ingest.apply import apply_parsed
from models.billing.rate_cards import Price, save_card
from models.clock import utcnow
from models.tables.conversation import MessageState
from tests.support.parsed import envelope
from tests.support.statuses import chat_message

CHARGED = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}
FREE = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
EXEMPT = CHARGED | {"subtype": "paid_exempt"}
ENTRY = {"billable": False, "pricing_model": "PMP", "type": "free_entry_point", "category": "referral_conversion"}
"""As Meta's statuses have them (docs/meta.md §7.5)."""


@pytest.mark.parametrize("is_reversed", [False, True])
def test_statuses_of_answers_become_the_sums_of_their_number_and_month(is_reversed: bool, rt: Runtime) -> None:
    now, installation = utcnow(), rt.installation
    with rt.database.write() as session:
        prices = [Price("ES", "utility", (now - timedelta(days=40)).date(), 20_000)]
        save_card(session, "EUR", prices, source="rates.csv", now=now - timedelta(days=40), actor="cli")
        answers = [chat_message(session, MessageState.ACCEPTED) for _ in range(5)]
        statuses: list[dict[str, Any]] = []
        for answer, pricing in zip(answers, (CHARGED, FREE, EXEMPT, ENTRY, None), strict=True):
            named = {
                "id": f"wamid.{answer.id}",
                "timestamp": str(int(now.timestamp())),
                "recipient_id": "34600000001",
                "biz_opaque_callback_data": f"h1:{installation}:m{answer.id}:1",
            }
            priced = {} if pricing is None else {"pricing": pricing}
            statuses += [named | {"status": kind} | priced for kind in ("sent", "delivered")]
            statuses.append(named | {"status": "read"})
    for status in [*reversed(statuses), *statuses] if is_reversed else [*statuses, *statuses]:
        metadata = {"display_phone_number": "34600009999"}
        apply_parsed(rt, [parse_payload(envelope(metadata=metadata, statuses=[status]))])
    recount_answers(rt, now)
    numbers = answers_of_month(rt)["numbers"]
    assert len(numbers) == 5, "each has its own number here"
    assert [row["charged"] for row in numbers] == ["0.02", "0.00", "0.00", "0.00", None]
    assert [
        [row[name] for name in ("billed", "free", "free_other", "free_entry_point", "untold")] for row in numbers
    ] == [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
    ]
