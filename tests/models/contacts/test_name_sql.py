"""The names of contacts as SQL: the same answers as the rules in Python, on both databases."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Session

from models.contacts.name_sql import FirstName, FullName
from models.name_words import BETWEEN_TITLES, DOTTED_TITLES, ENDINGS, PLACEHOLDERS, TITLES, TITLES_BEFORE_TWO
from models.person_names import first_name, full_name

LISTS = (TITLES, TITLES_BEFORE_TWO, DOTTED_TITLES, BETWEEN_TITLES, ENDINGS, PLACEHOLDERS)
WORDS = sorted(set().union(*LISTS))
PIECES = st.one_of(
    st.sampled_from([*WORDS, *map(str.upper, WORDS), *map(str.title, WORDS)]),
    st.sampled_from(
        ["Ana", "Ruiz", "O'Brien", "José", "e\u0301va", "李雷", "فاطمة", "😀", "🇪🇸", "J.K.", "Dr.Eva", "2Pac", "\u3164"]
    ),
    st.sampled_from(
        [",", "，", ".", "(", ")", "{{", "}}", "%", "*|", "|*", "[", "]", "@", "\\", "'", "-", "&", "\u200b", "\u200d"]
    ),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
)
SPACES = st.sampled_from(["", " ", "\n", "\u00a0", "\u3000"])
NAMES = st.none() | st.lists(PIECES | SPACES, max_size=9).map("".join)


def _in_sql(session: Session, name: str | None, first: str | None, last: str | None) -> tuple[str | None, str | None]:
    values = {"name": name, "first": first, "last": last}
    parts = {key: bindparam(key, type_=String()) for key in values}
    query = select(FirstName(parts["first"], parts["name"]), FullName(parts["name"], parts["first"], parts["last"]))
    row = session.execute(query, values).one()
    return row[0], row[1]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, NAMES, NAMES)
def test_the_database_says_what_python_says(
    session: Session, name: str | None, first: str | None, last: str | None
) -> None:
    assert _in_sql(session, name, first, last) == (first_name(first, name), full_name(name, first, last))
