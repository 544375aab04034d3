"""What Meta checks in the texts of a template: lengths in code points, variables and their samples (docs/meta.md §2.5, §5.2)."""

import re
import unicodedata
from collections.abc import Sequence

from models.templates.definition.examples import NAMED, Examples
from models.templates.definition.headers import TextHeader
from models.templates.definition.problems import Problems
from models.templates.definition.texts import Body, Footer
from models.templates.lengths import BODY, HEADER, OFFER_BODY, PRODUCT_BODY

CARD_BODY = 160
FOOTER = 60
NAME = re.compile(r"[a-z0-9_]+")
"""What a named variable may be called; whether Meta takes digits in it is not known."""

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_MARKDOWN = "*_~`"
_ONE_CHARACTER_WORDS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def check_text_header(header: TextHeader, parameter_format: str, problems: Problems) -> None:
    """Check a header's text: at most 60 characters, one variable, one line, no formatting."""
    path = header.place("text")
    check_length(path, header.text, HEADER, problems)
    variables = _check_variables(path, header.text, parameter_format, problems)
    if len(variables) > 1:
        problems.add(path, "has {count} variables; a header takes one", count=len(variables))
    elif variables and parameter_format != NAMED and variables != ["1"]:
        problems.add(path, "its variable must be {{{{1}}}}, not {shown}", shown=_shown(variables[0]))
    plain = _BRACES.sub("", header.text)
    marks = [mark for mark in _MARKDOWN if mark in plain]
    if marks:
        problems.add(path, "has {marks}; a header takes no formatting characters", marks=" ".join(marks))
    if "\n" in plain or "\r" in plain:
        problems.add(path, "has a line break; a header is one line")
    _check_examples("header", header.place("example"), variables[:1], header.example, parameter_format, problems)


def check_body(body: Body, parameter_format: str, problems: Problems, most: int = BODY) -> None:
    """Check the text of a template or a card, of at most `most` characters."""
    path, text = body.place("text"), body.text
    check_length(path, text, most, problems)
    variables = _check_variables(path, text, parameter_format, problems)
    bare = text.strip()
    if variables and (first := _BRACES.match(bare)):
        problems.add(path, "begins with the variable {shown}; put a word before it", shown=first[0])
    if variables and bare.endswith("}}"):
        last = bare[bare.rfind("{{") :]
        problems.add(path, "ends with the variable {shown}; put a word or a full stop behind it", shown=last)
    if re.search(r"\}\}\s*\{\{", text):
        problems.add(path, "has variables side by side; put a word between them")
    if parameter_format != NAMED and all(name.isdigit() for name in variables):
        _check_numbers(path, variables, problems)
    words = _words(_BRACES.sub(" ", text))
    count = len(_BRACES.findall(text))
    if (
        count > 1 and words <= count
    ):  # Meta's ratio is not published; a greeting with one variable is no certain refusal
        problems.add(
            path, "has {count} variables and {words} other words; write at least {least} words besides them",
            count=count, words=words, least=count + 1,
        )  # fmt: skip
    _check_examples("body", body.place("example"), variables, body.example, parameter_format, problems)


def most_characters(*, is_offer: bool, is_product: bool) -> int:
    """The length of a body in a template of this kind."""
    return OFFER_BODY if is_offer else PRODUCT_BODY if is_product else BODY


def check_footer(footer: Footer, problems: Problems) -> None:
    """Check a footer: at most 60 characters, without variables."""
    check_length(footer.place("text"), footer.text, FOOTER, problems)
    if "{{" in footer.text or "}}" in footer.text:
        problems.add(footer.place("text"), "has a variable; a footer takes none")


def check_length(path: str, text: str, most: int, problems: Problems) -> None:
    """Check the number of code points."""
    if len(text) > most:
        problems.add(path, "has {count} characters, at most {most}", count=len(text), most=most)


def variables_of(text: str) -> list[str]:
    """The variables of a text as they are written between the braces, each once, in order."""
    return list(dict.fromkeys(inner.strip() for inner in _BRACES.findall(text)))


def _check_variables(path: str, text: str, parameter_format: str, problems: Problems) -> list[str]:
    """The variables of the text that are well formed; the others are problems."""
    rest = _BRACES.sub("", text)
    if "{{" in rest or "}}" in rest:
        problems.add(path, "has braces that do not match; a variable is written {{{{1}}}} or {{{{first_name}}}}")
    valid = []
    for name in variables_of(text):
        is_number = name.isascii() and name.isdigit()
        if parameter_format == NAMED and is_number:
            problems.add(path, "{shown} is a number; the template's variables have names", shown=_shown(name))
        elif parameter_format == NAMED and not NAME.fullmatch(name):
            problems.add(
                path, "{shown} is no name; allowed are lower-case letters, digits and underscores", shown=_shown(name)
            )
        elif parameter_format != NAMED and not is_number:
            problems.add(
                path, "{shown} is no number; the template's variables are {{{{1}}}}, {{{{2}}}} … (for names set "
                "parameter_format to named)", shown=_shown(name),
            )  # fmt: skip
        else:
            valid.append(name)
    return valid


def _check_numbers(path: str, variables: Sequence[str], problems: Problems) -> None:
    numbers = sorted({name.lstrip("0") or "0" for name in variables}, key=lambda name: (len(name), name))
    expected = [str(place) for place in range(1, len(numbers) + 1)]
    if numbers != expected or len(numbers) != len(variables):
        problems.add(
            path, "its variables are {given}; they must count up from {{{{1}}}} without a gap",
            given=", ".join(_shown(name) for name in variables),
        )  # fmt: skip


def _check_examples(
    kind: str, path: str, variables: Sequence[str], example: Examples, parameter_format: str, problems: Problems
) -> None:
    if parameter_format == NAMED:
        missing = [name for name in variables if not example.by_name.get(name, "").strip()]
    else:
        missing = [name for place, name in enumerate(variables) if not _sample(example, place).strip()]
    if missing:
        key = f"{kind}_text_named_params" if parameter_format == NAMED else f"{kind}_text"
        problems.add(
            f"{path}.{key}", "has no sample for {missing}; every variable needs one",
            missing=", ".join(_shown(name) for name in missing),
        )  # fmt: skip


def _sample(example: Examples, place: int) -> str:
    return example.by_position[place] if place < len(example.by_position) else ""


def _words(text: str) -> int:
    """How many words there are besides the variables; a character of a script without spaces counts as one."""
    singles = len(_ONE_CHARACTER_WORDS.findall(text))
    others = _ONE_CHARACTER_WORDS.sub(" ", text).split()
    return singles + sum(1 for word in others if any(unicodedata.category(char)[0] in "LNS" for char in word))


def _shown(name: str) -> str:
    return f"{{{{{name[:40]}}}}}"
