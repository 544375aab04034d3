"""The tables of docs/privacy.md, made of the lists. `python -m tests.support.privacy_page` writes them into the page."""

from models.privacy.places import FILES, REDIS
from models.privacy.store import Holds
from models.privacy.tables import TABLES
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "privacy.md"
BEGIN, END = "<!-- lists: begin -->", "<!-- lists: end -->"


def lists() -> str:
    """Markdown: tables of the database, keys of Redis, files."""
    rows = [
        "| table | what is in it | wiped | kept | in a person's export | in a backup |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| `{store.name}` | {store.about} | {store.wiped} | {store.kept} | {', '.join(store.exported) or '–'} |"
        f" {'yes' if store.in_backup else 'no'} |"
        for store in TABLES
        if store.holds is not Holds.NOBODY
    ]
    others = ", ".join(f"`{name}`" for name in sorted(store.name for store in TABLES if store.holds is Holds.NOBODY))
    rows += ["", f"Nothing of a person whom campaigns write to is in {others}; a backup takes them too.", ""]
    rows += ["| key in Redis | what is in it | wiped | kept |", "|---|---|---|---|"]
    rows += [f"| `{store.pattern}` | {store.about} | {store.wiped or '–'} | {store.kept} |" for store in REDIS]
    rows += ["", "| under `var/` | what is in it | wiped | kept | in a backup |", "|---|---|---|---|---|"]
    rows += [
        f"| `{store.pattern}` | {store.about} | {store.wiped or '–'} | {store.kept} | {'yes' if store.in_backup else 'no'} |"
        for store in FILES
    ]
    return "\n".join(rows)


def with_lists(text: str) -> str:
    """The page with the lists of today."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{lists()}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_lists(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
