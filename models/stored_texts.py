"""Every sentence that rows keep, each under the key that stands in the row.

They stand together so that whoever reads a row has them all, whatever modules wrote it, and a key is seen to be taken. Add new
ones; never change a key, or the name of a place, that rows may hold. Values that are Meta's words stand in the rows as Meta wrote
them.
"""

from models.text import Text, parse_stored, stored_text

# Why a campaign is paused or a number stopped.
FAILED_ALIKE = stored_text("pause.failed_alike", "{failed} of the last {total} messages failed alike. {samples}.")
FAILED_ALIKE_ADVICE = stored_text(
    "pause.failed_alike_advice", "{failed} of the last {total} messages failed alike. {samples}. {advice}"
)
FAILURE_SAMPLE = stored_text("pause.sample", "{kind} ×{count}: {said}")
NO_TEXT = stored_text("pause.sample_without_text", "no text")
DECISIVE = stored_text("pause.decisive", "{said} {advice} (code {code})")
DECISIVE_AFTER = stored_text("pause.decisive_after", "{said} {advice} (code {code}) Before it failed: {others}.")
DECISIVE_REPORT = stored_text("pause.decisive_report", "{text} (Meta's error {code}) {advice}")
MESSAGING_LIMIT_MET = stored_text(  # in rows from before the time was given in the installation's zone
    "pause.messaging_limit", "The portfolio's limit of unique people in 24 hours is met; it goes on at {at} UTC."
)
MESSAGING_LIMIT_MET_UNTIL = stored_text(
    "pause.messaging_limit_until",
    "The portfolio's limit of unique people in 24 hours is met; it goes on at {at}.",
)
MEDIA_NOT_RENEWED = stored_text("pause.media_not_renewed", "A file of it could not be uploaded to Meta: {why}")
EVENTS_OLD = stored_text(
    "pause.events_old", "The oldest unread event is {seconds} seconds old. Hark goes on when it hears again."
)
EVENTS_UNREAD = stored_text(
    "pause.events_unread", "No process reads what comes in from Meta. Hark goes on when it hears again."
)
LAUNCH_STOPPED = stored_text("pause.launch_stopped", "the launch stopped: {why}")
BALANCE_USED = stored_text("pause.balance_used", "The balance of {balance} is used up. Raise it, then resume.")
AUDIENCE_GREW = stored_text("pause.audience_grew", "More people than at the start: {shortage}")
BALANCE_USED_UP = stored_text(
    "balance.used_up", "the balance of {balance} is used up ({pct} % with what is held back)."
)
BALANCE_TOO_SMALL = stored_text(
    "balance.too_small", "it may cost {need} and of the balance of {balance} only {free} are free."
)
DATABASE_RESTORED = stored_text(
    "pause.database_restored",
    "The database was put back from a copy. Who may have got the message since then is marked as unsure.",
)
NOT_SERVED = stored_text(
    "pause.not_served", "Nothing ran for {minutes} minutes. Look whether the message still makes sense."
)
META_SAYS = stored_text("pause.meta_says", "{said}")
TEMPLATE_TAKEN_AWAY = stored_text(
    "pause.template_taken_away", "Meta says that the template {name} ({language}) is {status}."
)
TEMPLATE_CHANGED = stored_text(
    "pause.template_changed", "Meta changed the text of the template {name} ({language}): look at it, then resume."
)
TEMPLATE_CATEGORY = stored_text(
    "pause.template_category",
    "Meta made the template {name} ({language}) {category}; it was {before}: its price changes.",
)
TEMPLATE_QUALITY_RED = stored_text(
    "pause.template_quality_red",
    "Meta rates the quality of the template {name} ({language}) red: people report or block its messages.",
)
MAX_PRICE_LOST = stored_text(
    "pause.max_price_lost",
    "The campaign's messages cannot have its maximum price any more: the number, the template or its category was changed. Compare"
    " them, then resume.",
)
NO_REASON = stored_text("failure.no_reason", "No reason was given.")
ACCOUNT_VIOLATION = stored_text("account.violation", "Meta found a violation: {violation}.")
ACCOUNT_REJECTED = stored_text("account.rejected", "Meta rejected the account in its review.")
ACCOUNT_REINSTATED = stored_text("account.reinstated", "Meta says that the account is reinstated.")
ACCOUNT_BANNED = stored_text("account.banned", "Meta disables the account: {ban}.")
ACCOUNT_DELETED = stored_text("account.deleted", "The account was deleted at Meta.")
ACCOUNT_RESTRICTED = stored_text("account.restricted", "Meta restricts the account: {restrictions}.")
NUMBER_RESTRICTED = stored_text("number.restricted", "Meta restricts the number: {restrictions}.")
RESTRICTION_HARMLESS = stored_text(
    "account.restriction_harmless", "A warning, or a restriction that is over or that stops no campaign."
)

# What went wrong between Hark and the shop.
SHOP_FAILED = stored_text("shop.failed", "{why}")

# Why Meta's catalogs could not be read.
CATALOG_FAILED = stored_text("catalog.failed", "{why}")

# Why a scheduled campaign did not start.
START_MISSED_MINUTE = stored_text("schedule.missed_minute", "the scheduled start was missed by 1 minute")
START_MISSED = stored_text("schedule.missed", "the scheduled start was missed by {minutes} minutes")
START_HELD = stored_text(
    "schedule.held", "the database was put back from a copy, and the campaign may have been sent since"
)
START_FAILED = stored_text("schedule.failed", "the scheduled start did not happen: {why}")

# What became of a message.
REFUSED = stored_text("send.refused", "{text}")
REFUSED_SAYING = stored_text("send.refused_saying", "{text} Meta says: {said}")
UNREACHABLE = stored_text("send.unreachable", "Meta could not be reached. {why}.")
NO_CLEAR_ANSWER = stored_text("send.no_clear_answer", "No clear answer: {why}.")
NOT_BUILT = stored_text("send.not_built", "the message could not be put together: {error}")
NO_ADDRESS = stored_text(
    "send.no_address", "The contact has neither a phone nor a user id that this number could write to."
)
ANSWER_NOT_KEPT = stored_text("send.answer_not_kept", "Meta's answer holds something that cannot be stored.")
SAME_ID = stored_text("send.same_id", "Meta answered with an id that another message already has.")
RESTORED = stored_text(
    "send.restored",
    "The database was put back from a copy: the message may have left after the copy was made.",
)
SENDER_DIED = stored_text("send.sender_died", "The sender stopped before it could say what became of this message.")
WINDOW_CLOSED = stored_text(
    "send.window_closed", "The person's last message is more than 24 hours old: WhatsApp allows only templates now."
)
SAID_STOP = stored_text("send.said_stop", "The person said STOP before this was sent.")
TAKEN_OVER = stored_text("send.taken_over", "Somebody else took over the conversation before this was sent.")
CONTACT_REDACTED = stored_text("send.contact_redacted", "The contact was redacted.")

# Why a recipient was left out, beyond the reason's own sentence.
UNSUBSCRIBED = stored_text("left_out.unsubscribed", "The contact is unsubscribed.")
CONSENT_CHANGED = stored_text("left_out.consent_changed", "Consent became {consent} after the launch.")
CONSENT_IMPORTED = stored_text("left_out.consent_imported", "Consent was changed by an import after the launch.")
MERGED = stored_text("left_out.merged", "The record was merged with another of this person.")
BAD_PARAMETER = stored_text("left_out.bad_parameter", "{component} {name}: {problem}")
PARAMETER_EMPTY = stored_text("parameter.empty", "it is empty")
PARAMETER_BREAK = stored_text("parameter.break", "it holds a line break or a tab")
PARAMETER_SPACES = stored_text("parameter.spaces", "it holds more than four spaces in a row")
PARAMETER_LONG = stored_text("parameter.long", "it is longer than {most} characters")
PART_LONG = stored_text(
    "parameter.part_long", "{component}: with its values it has {count} characters; Meta takes at most {most}"
)
NO_DATE = stored_text("parameter.no_date", "“{value}” is no day such as 2026-12-24")
NO_AMOUNT = stored_text("parameter.no_amount", "“{value}” is no amount such as 19.90")
NO_CURRENCY = stored_text("parameter.no_currency", "“{value}” has no currency")
MISSING_NAME = stored_text("missing.name", "name")
MISSING_FIRST_NAME = stored_text("missing.first_name", "first name")
MISSING_TAG = stored_text("missing.tag", "tag {name}")
MISSING_ATTRIBUTE = stored_text("missing.attribute", "attribute {name}")
MISSING_ORDER = stored_text("missing.order", "order {field}")
MISSING_PROFILE = stored_text("missing.profile", "{field}")
MISSING_PRODUCT = stored_text("missing.product", "{field} of the product {sku}")
MISSING_SHOP = stored_text("missing.shop", "shop name")


def read_text(stored: str | None) -> Text | None:
    """The sentence that a row keeps; a row of an earlier version, or words of Meta's, as they stand. None where there is none."""
    return parse_stored(stored)


def show_stored(stored: str | None) -> str:
    """What a row keeps, in the reader's language; empty where there is nothing."""
    text = read_text(stored)
    return "" if text is None else text.translated()
