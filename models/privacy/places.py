"""The one list of Redis' keys and of the files under `var/`, as models.privacy.tables is that of the tables.

A key or a file without a line fails `tests/jobs/erasure/test_places.py`, which names what to add.
"""

from fnmatch import fnmatchcase

from models.privacy.store import FileStore, Holds, RedisStore

_AT_ONCE = "gone as soon as it is applied; Redis' file is written anew after each redaction"

REDIS: tuple[RedisStore, ...] = (
    RedisStore("hark:events", "webhooks of Meta that wait to be applied", Holds.MENTIONS, _AT_ONCE, "seconds"),
    RedisStore("hark:shop-events", "webhooks of a shop that wait to be applied", Holds.MENTIONS, _AT_ONCE, "seconds"),
    RedisStore("hark:clicks", "requests for tracked links that wait to be stored, by ids", Holds.NOBODY, "", "seconds"),
    RedisStore(
        "hark:marks:*",
        "marks of opt-outs and redactions",
        Holds.HASHES,
        "made then",
        "opt-outs 90 days, redactions for good",
    ),
    RedisStore("hark:passkey_challenge:*", "challenges of passkeys, by hashes", Holds.NOBODY, "", "5 minutes"),
    RedisStore("hark:sign_in:*", "sign-ins by hashes of addresses and accounts", Holds.NOBODY, "", "minutes to days"),
    RedisStore("hark:epoch", "copies of a counter", Holds.NOBODY, "", "for good"),
    RedisStore("hark:audit*", "copies of the end of the audit's chain", Holds.NOBODY, "", "for good"),
    RedisStore("hark:exports", "how often data was taken out, by kind", Holds.NOBODY, "", "for good"),
    RedisStore("hark:erasure:*", "when Redis' file is written anew", Holds.NOBODY, "", "for good"),
    RedisStore("hark:ingest:*", "a sign of life and counts", Holds.NOBODY, "", "seconds; counts for good"),
    RedisStore("hark:replay*", "a replay of dead letters under way", Holds.NOBODY, "", "a day"),
    RedisStore("hark:failures:*", "failures of a campaign, by ids", Holds.NOBODY, "", "minutes"),
    RedisStore("hark:pace:*", "when a number may send next", Holds.NOBODY, "", "minutes"),
    RedisStore("hark:throttle:*", "how much a number is slowed down", Holds.NOBODY, "", "minutes"),
    RedisStore("hark:pair:*", "when a conversation may be answered next, by ids", Holds.NOBODY, "", "minutes"),
    RedisStore("hark:wake:*", "wake-ups that wait, by ids", Holds.NOBODY, "", "10 seconds"),
    RedisStore(
        "rq:*", "jobs with ids, and classes of their errors", Holds.NOBODY, "", "until they ran; failed ones a day"
    ),
)
FILES: tuple[FileStore, ...] = (
    FileStore(
        "hark.db", "the SQLite database", Holds.PERSON, "overwritten where it is deleted (`secure_delete`)", "as its tables",
        in_backup=True,
    ),
    FileStore("hark.db-*", "SQLite's log", Holds.PERSON, "cut to nothing after each redaction", "until it is cut, a minute"),
    FileStore("hark.db.lock", "a lock", Holds.NOBODY, "", "for good"),
    FileStore(
        "hark.db.before-*", "what `flask restore --replace` replaced", Holds.PERSON, "not: it is a backup of yours", "7 days"
    ),
    FileStore(
        "redis/*", "Redis' file", Holds.MENTIONS, "written anew every hour and after each redaction", "an hour"
    ),
    FileStore(
        "imports/*", "uploads with their rejects", Holds.PERSON,
        "lines are removed; a file that names the person is deleted", "a day",
    ),
    FileStore(
        "media/*", "contents of the media library, unless `MEDIA_STORE` names a bucket for them", Holds.NOBODY, "",
        "until removed from the library, and a day", in_backup=True,
    ),
    FileStore("incoming/*", "media files that are being taken in", Holds.NOBODY, "", "while they are; a day after a crash"),
    FileStore("thumbnails/*", "small pictures of the media library", Holds.NOBODY, "", "30 days, or until removed"),
    FileStore("log/errors.log", "where errors happened, without their texts", Holds.NOBODY, "lines are removed", "for good"),
    FileStore("redactions.*", "marks of redactions", Holds.HASHES, "made then", "for good"),
    FileStore("epoch.json", "a copy of a counter", Holds.NOBODY, "", "for good"),
    FileStore("audit.json", "a copy of the end of the audit's chain", Holds.NOBODY, "", "for good"),
    FileStore(
        "panel/*", "the panel's socket; bodies under way, without a name", Holds.PERSON, "gone with the request", "minutes"
    ),
    FileStore("secret_key", "a key", Holds.NOBODY, "", "for good"),
    FileStore("encryption_key", "the key of access tokens", Holds.NOBODY, "", "for good"),
    FileStore("marks_key", "the key of the marks", Holds.NOBODY, "", "for good"),
    FileStore("processes.json", "numbers of processes", Holds.NOBODY, "", "while Hark runs"),
    FileStore("restarts.json", "how often processes restarted", Holds.NOBODY, "", "while Hark runs"),
    FileStore("supervisor.lock", "a lock", Holds.NOBODY, "", "for good"),
)  # fmt: skip


def file_store(path: str) -> FileStore:
    """The line of a file, by its path from `var/` on. Raises LookupError, which says what to add, if there is none."""
    for store in FILES:
        if fnmatchcase(path, store.pattern):
            return store
    raise LookupError(
        f"models/privacy/places.py: FILES has no line for var/{path}; say what is in it and how it is wiped"
    )


def redis_store(key: str) -> RedisStore:
    """The line of a key of Redis. Raises LookupError, which says what to add, if there is none."""
    for store in REDIS:
        if fnmatchcase(key, store.pattern):
            return store
    raise LookupError(f"models/privacy/places.py: REDIS has no line for {key}; say what is in it and how it is wiped")
