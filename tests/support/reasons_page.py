"""The list of docs/reasons.md, made of the list of reasons. `python -m tests.support.reasons_page` writes it into the page."""

from admin.panel.reasons.listing import ReasonGroup, all_reasons
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "reasons.md"
BEGIN, END = "<!-- reasons: begin -->", "<!-- reasons: end -->"


def listed() -> str:
    """Markdown: a table for each group."""
    rows = []
    for group in ReasonGroup:
        rows += [
            f"## {group.value}",
            "",
            "| code or word | what it means | what to do | called elsewhere |",
            "|---|---|---|---|",
        ]
        rows += [
            f"| `{reason.key}` | {reason.text} | {reason.advice} | {', '.join(f'`{name}`' for name in reason.names)} |"
            for reason in all_reasons()
            if reason.group is group
        ]
        rows.append("")
    return "\n".join(rows)


def with_list(text: str) -> str:
    """The page with the list of today."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{listed()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_list(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
