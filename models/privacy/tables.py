"""The one list of the tables: erasure, guards, retention, the export of a person and the backup read it.

A table without a line fails `tests/models/privacy/test_stores.py`, which names what to add. The order is that of wiping: what
refers to a row stands before it.
"""

from models.privacy.store import Blank, Delete, Holds, PersonLink, Special, TableStore

PERSON, MENTIONS, NOBODY, HASHES = Holds.PERSON, Holds.MENTIONS, Holds.NOBODY, Holds.HASHES
_MESSAGES = "the setting `keep_messages_days`"
_IS_REDACTION = "\"after\" = 'redacted'"
_DAY = "a day after they are over"
_RETENTION, _CLEANUP = "models.privacy.retention", "models.privacy.cleanup"


def _of_conversation(name: str, about: str, exported: str) -> TableStore:
    return TableStore(
        name, about, PERSON, Delete(PersonLink.CONVERSATION), kept="as the conversation", exported=(exported,)
    )


def _of_contact(name: str, about: str, *exported: str) -> TableStore:
    return TableStore(name, about, PERSON, Delete(PersonLink.CONTACT), kept="as the contact", exported=exported)


def _nobodys(name: str, about: str) -> TableStore:
    return TableStore(name, about, NOBODY)


TABLES: tuple[TableStore, ...] = (
    # What was said, and what bots know. `settled`: nothing is sent to somebody who was wiped.
    TableStore(
        "action",
        "timers and calls of bot flows",
        PERSON,
        Blank(
            PersonLink.SESSION,
            {"payload": {}, "result": None},
            settled={"state": "CASE WHEN state IN ('pending', 'claimed') THEN 'cancelled' ELSE state END"},
        ),
        kept=_DAY,
        purge=f"{_CLEANUP}:purge_actions",
        purged="finished actions",
        exported=("actions",),
    ),
    TableStore(
        "message",
        "messages of chats",
        PERSON,
        Blank(
            PersonLink.CONVERSATION,
            dict.fromkeys(
                ("body", "payload", "button_payload", "error_msg", "route_reason", "wamid", "context_wamid")
            ),
            settled={
                "state": "CASE WHEN state = 'queued' THEN 'not_sent' ELSE state END",
                "handled_at": "CASE WHEN direction = 'in' THEN COALESCE(handled_at, at) ELSE handled_at END",
            },
        ),
        kept=_MESSAGES,
        purge=f"{_RETENTION}:purge_messages",
        purged="messages",
        exported=("messages",),
    ),
    TableStore(
        "flow_session",
        "where somebody is in a bot flow, with the answers",
        PERSON,
        Blank(
            PersonLink.CONTACT,
            {"state": {}},
            settled={
                "status": "'ended'",
                "ended_reason": "COALESCE(ended_reason, 'redacted')",
                "ended_at": "COALESCE(ended_at, updated_at)",
            },
        ),
        kept=_MESSAGES,
        purge=f"{_RETENTION}:purge_flow_sessions",
        purged="walks through bot flows",
        exported=("bot_flows",),
    ),
    TableStore("funnel_step", "steps that were reached, without answers", PERSON, exported=("funnel_steps",)),
    TableStore("recipient_opt_out", "whom a campaign lost, and when", PERSON, exported=("opt_outs_of_campaigns",)),
    TableStore("recipient_tap", "buttons that were tapped", PERSON, exported=("taps",)),
    TableStore("click", "when tracked links were opened, on what kind of device", PERSON, kept="as the recipient",
        exported=("clicks",)),
    TableStore(
        "recipient_try",
        "earlier tries of messages of campaigns",
        PERSON,
        Blank(PersonLink.CONTACT, dict.fromkeys(("wamid", "error_msg", "detail"))),
        kept="as the recipient",
        exported=("earlier_tries",),
    ),
    TableStore(
        "answer_cost",
        "prices of answers, without a name",
        PERSON,
        kept="as long as Meta may still report them",
        purge="models.billing.answers:purge_answer_costs",
        purged="prices of messages",
        exported=("answer_costs",),
    ),
    _of_conversation("unread_reply", "replies that nothing took", "unread_replies"),
    _of_conversation("possible_opt_out", "words that may mean STOP", "possible_opt_outs"),
    _of_conversation("conversation_control", "who else answers them, with a summary", "other_responders"),
    TableStore("conversation", "chats: times, and which number", PERSON, exported=("conversations",)),
    TableStore("case", "cases of agents", PERSON, Blank(PersonLink.CONTACT, {"reason": ""}), exported=("cases",)),
    # Campaigns.
    TableStore("engagement", "the campaign whose bot has them", PERSON, Delete(PersonLink.CONTACT),
        kept="until the campaign ends", exported=("engaged_in",)),
    TableStore(
        "recipient",
        "people of campaigns",
        PERSON,
        Blank(
            PersonLink.CONTACT,
            dict.fromkeys(("source_values", "wamid", "error_msg", "detail")),
            by_contact=("person_key",),
        ),
        kept="as the campaign; once it is deleted the setting `keep_messages_days`, at least 30 days",
        purge=f"{_RETENTION}:purge_deleted_campaigns",
        purged="people of deleted campaigns",
        exported=("campaigns",),
    ),
    TableStore("portfolio_ledger", "whom the messaging limit counts", PERSON, Special.LEDGER, kept="25 hours",
        purge=f"{_CLEANUP}:purge_ledger", purged="people in the limit's ledger", exported=("counted_for_the_limit",)),
    # Who they are.
    TableStore(
        "consent_event",
        "the ledger of consent",
        PERSON,
        Special.CONSENT,
        guard=Blank(PersonLink.CONTACT, {"proof": None, "source": "redacted"}, unless=_IS_REDACTION),
        exported=("consent",),
    ),
    TableStore("user_id_change", "which user id replaced which", PERSON, Special.USER_IDS, kept="30 days",
        purge=f"{_CLEANUP}:purge_user_ids", purged="changes of user ids", exported=("user_id_changes",)),
    TableStore("shop_customer_without_phone", "a shop's customers whom nobody can write to", PERSON, Special.SHOP,
        kept=_MESSAGES, purge="models.shop.without_phone:purge_without_phone",
        purged="customers of a shop without a phone", exported=("shop_customer_without_phone",)),
    TableStore("shop_customer_read", "customers to be read at the shop", PERSON, Special.SHOP, kept="until they are read",
        exported=("to_be_read_at_the_shop",)),
    TableStore("shop_opt_out", "opt-outs to be told to the shop", PERSON, Special.SHOP,
        exported=("opt_outs_told_to_the_shop",)),
    TableStore("conversion", "which orders belong to which campaign's message", PERSON, Delete(PersonLink.ORDER),
        kept="as the order", exported=("conversions",)),
    TableStore("conversion_change", "whose orders are to be attributed again, by the contact's id", PERSON,
        kept="until they are, within seconds"),
    TableStore("order_refund", "refunds of orders", PERSON, Delete(PersonLink.ORDER),
        kept="as the order; before the order is known 30 days", purge="models.shop.refunds:purge_refunds",
        purged="refunds of unknown orders", exported=("refunds",)),
    TableStore("bought", "what was in orders", PERSON, Delete(PersonLink.ORDER), kept="as the order", exported=("bought",)),
    _of_contact("contact_order", "orders", "orders"),
    _of_contact("contact_tag", "their tags, with values", "tags"),
    _of_contact("list_member", "their lists", "lists"),
    _of_contact("contact_identity", "WhatsApp's user ids", "identities"),
    _of_contact("former_id", "numbers and ids that they had before", "also_found_by"),
    _of_contact("former_value", "what a merged record said", "before_the_merge"),
    TableStore("contact_search", "names and e-mail addresses as the search reads them; follows the contact", PERSON),
    TableStore("contact", "people", PERSON, Special.CONTACT, kept="until they are redacted", purge=f"{_CLEANUP}:purge_wamids",
        purged="ids of redacted people's messages", exported=("contact", "merged_records")),
    # What may name somebody.
    TableStore("campaign", "campaigns; an audience may name a contact", MENTIONS, Special.AUDIENCES),
    TableStore("segment", "rules; one may name a phone", MENTIONS, Special.SEGMENTS),
    TableStore("audit", "who did what; since it is a chain it names nobody", MENTIONS, Special.AUDIT,
        kept="the setting `keep_audit_days`", purge="models.audit.retention:purge_audit", purged="entries of the audit",
        exported=("audit",)),
    TableStore("dead_letter", "events that could not be processed", MENTIONS, Special.DEAD_LETTERS,
        kept="the setting `keep_dead_letters_days`", purge="models.events.dead_letters:purge_dead_letters",
        purged="dead letters"),
    TableStore("parked_status", "statuses that match nothing yet", MENTIONS, Special.PARKED, kept="10 minutes to 7 days",
        purge=f"{_CLEANUP}:purge_parked", purged="statuses that matched nothing"),
    # Hashes alone.
    TableStore("suppression", "marks of redacted people", HASHES),
    TableStore("purged_wamid", "hashes of ids of messages", HASHES, kept="8 days",
        purge=f"{_RETENTION}:purge_hashes", purged="hashes"),
    TableStore("wrong_link_code", "hashes of who sent a wrong code", HASHES, kept="a day",
        purge="models.events.messages.link_codes:purge_wrong_codes", purged="wrong codes of phones"),
    # Nothing of a person whom campaigns write to.
    TableStore("lane", "senders that run", NOBODY, kept=_DAY, purge=f"{_CLEANUP}:purge_lanes", purged="ended senders"),
    TableStore("browser_session", "sessions of users of the panel", NOBODY, kept="30 days after they ended",
        purge="models.browser_sessions:purge_sessions", purged="sessions that ended"),
    TableStore("tag", "names of tags", NOBODY, purge="models.segments.rename_delete:purge_groups",
        purged="rows of deleted tags and lists"),
    _nobodys("list", "names of lists"),
    _nobodys("attribute", "names of attributes"),
    _nobodys("answer_charge", "what answers cost a month, by country"),
    _nobodys("answer_spending", "sums of answers a month"),
    _nobodys("api_token", "hashes of tokens"),
    _nobodys("audit_chain", "the state of the audit's chain"),
    _nobodys("audit_seal", "hashes of the audit's entries"),
    _nobodys("budget", "the balance"),
    _nobodys("campaign_charge", "what campaigns cost a month, by country"),
    _nobodys("catalog", "catalogs of the business's accounts"),
    _nobodys("clock_seen", "when each machine's clock was right"),
    _nobodys("cohort", "groups of a campaign's people by language, without their names"),
    _nobodys("database_hold", "databases that were put back"),
    _nobodys("epoch", "a counter"),
    _nobodys("external_identity", "accounts of users at the provider of single sign-on"),
    _nobodys("flow", "bot flows"),
    _nobodys("flow_secret", "encrypted secrets of bot flows"),
    _nobodys("flow_version", "sources of bot flows"),
    _nobodys("former_template", "texts that templates had before"),
    _nobodys("goal", "goals of campaigns"),
    _nobodys("held_campaign", "campaigns that are held"),
    TableStore("list_fill", "which people of a campaign are being put on a list, by their figure", NOBODY,
        kept="30 days after everybody was looked at", purge="models.follow_up.list_fill:purge_list_fills",
        purged="fillings of lists that are over"),
    _nobodys("media_handle", "ids of media files at Meta"),
    _nobodys("media_file", "the media library"),
    TableStore("meta_click", "link clicks of a number that Meta reported, without a person", NOBODY, kept="400 days",
        purge="models.clicks.retention:purge_meta_clicks", purged="link clicks that Meta reported"),
    _nobodys("recipient_change", "which blocks of recipients are to be counted again"),
    _nobodys("recipient_block", "sums over blocks of recipients"),
    _nobodys("campaign_result", "sums of campaigns"),
    _nobodys("result_hour", "sums of campaigns by hour and language"),
    _nobodys("number", "the business's numbers, with encrypted tokens"),
    _nobodys("old_time_form", "which times are still to be rewritten"),
    _nobodys("passkey", "public keys of users"),
    _nobodys("phone_link_code", "codes of users"),
    _nobodys("portfolio", "the business's portfolios"),
    _nobodys("product_search", "names of products as the search reads them; follows the product"),
    TableStore("product", "products of catalogs", NOBODY, kept="a year after Meta lists them no more",
        purge="models.catalog.store:purge_products", purged="products that are gone"),
    _nobodys("proof_key", "the keys that sign proofs, encrypted"),
    _nobodys("rate", "prices"),
    _nobodys("rate_card", "price lists"),
    _nobodys("recovery_code", "hashes of users' recovery codes"),
    _nobodys("setting", "settings"),
    _nobodys("shop_look", "the daily look at the shop"),
    _nobodys("signal_count", "counts of campaigns, for their signals"),
    _nobodys("signal_threshold", "what is usual in campaigns"),
    _nobodys("spending", "sums of campaigns"),
    _nobodys("template_draft", "templates as they are written here"),
    _nobodys("template_event", "what became of templates"),
    _nobodys("template", "templates"),
    _nobodys("totp", "encrypted secrets of users' authenticator apps"),
    TableStore("tracked_link", "addresses that campaigns lead to, with the keys of their codes", NOBODY,
        kept="as the campaign; once it is deleted until its people are purged",
        purge="models.clicks.retention:purge_tracked_links", purged="links of deleted campaigns"),
    _nobodys("user", "users of the panel"),
    _nobodys("waba", "the business's accounts"),
)  # fmt: skip
BY_NAME = {store.name: store for store in TABLES}
EXPORTED = frozenset(part for store in TABLES for part in store.exported)


def missing_line(name: str) -> str:
    """What to do about a table without a line."""
    return (
        f"models/privacy/tables.py: TABLES has no line for the table {name!r}; say what is in it, how it is wiped, how long it is"
        " kept and where a person's export shows it"
    )
