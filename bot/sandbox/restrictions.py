"""Restricts what a number may send, as Meta does for an account or a number (docs/meta.md §7.8), and reports it."""

import time
from collections.abc import Sequence

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.simulation import Simulation
from bot.sandbox.world import SandboxNumber

BEGUN = "RESTRICTED_BIZ_INITIATED_MESSAGING"
ANSWERS = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
UTILITY = "RATE_LIMITED_UTILITY_TEMPLATE_MESSAGING"
DAY = 86_400


def restrict(sim: Simulation, number: SandboxNumber, kinds: Sequence[str], *, is_named: bool = True) -> None:
    """Put the restrictions in place of those before, and report them; without any, all are over and Meta reports nothing.

    `is_named`: the event names the number; else the whole account is restricted.
    """
    numbers = [other for other in sim.world.numbers.values() if other.waba_id == number.waba_id]
    for other in [number] if is_named else numbers:
        other.restrictions = tuple(kinds)
    if kinds:
        expiration = int(time.time()) + DAY
        value = {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [{"restriction_type": kind, "expiration": expiration} for kind in kinds],
        }
        sim.announce(number.waba_id, "account_update", value | ({"phone_number": number.digits} if is_named else {}))


def check_restrictions(number: SandboxNumber, kind: str, category: str) -> None:
    """Refuse a message that a restriction forbids. Calls, Direct Send and creating templates are none of ours."""
    is_template = kind == "template"
    if ANSWERS in number.restrictions or (is_template and BEGUN in number.restrictions):
        raise SandboxGraphError(131031, "The number is restricted")
    if UTILITY in number.restrictions and is_template and category == "utility":
        raise SandboxGraphError(131064)
