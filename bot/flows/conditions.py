"""Evaluates and validates the conditions of a branch node: comparisons of text, numbers and days."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.flows.nodes import FlowCondition
from bot.flows.regex import matches_somewhere, problem_with_pattern
from bot.opt_out_words import normalize_text
from models.contacts.tag_key import spelling_in

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,6})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ORDERS: dict[str, Callable[[int], bool]] = {
    "greater_than": lambda order: order > 0,
    "less_than": lambda order: order < 0,
    "at_least": lambda order: order >= 0,
    "at_most": lambda order: order <= 0,
}


_TESTS = ("is_", "is_not", "in_", "not_in", "contains", "matches", "exists", *_ORDERS)
_SUBJECTS = ("answer", "attribute", "tag", "form", "contact", "input")
_GROUPS = ("all_", "any_", "not_")

Path = tuple[str | int, ...]

MAX_CONDITIONS = 50  # in one `when`


@dataclass(frozen=True)
class ConditionFacts:
    """The values that conditions compare.

    `values` maps a name (`answers.x`, `attribute.x`, `form.x`, a field of the contact, `input`) to its text, empty if it has none.
    `tags` has None for a tag without a value; a tag that the contact does not have is no key.
    """

    values: Callable[[str], str]
    tags: Mapping[str, str | None]


def holds(condition: FlowCondition, facts: ConditionFacts) -> bool:
    """Return whether a condition holds. It must have passed `condition_problems`."""
    if condition.all_ is not None:
        return all(holds(child, facts) for child in condition.all_)
    if condition.any_ is not None:
        return any(holds(child, facts) for child in condition.any_)
    if condition.not_ is not None:
        return not holds(condition.not_, facts)
    if condition.tag is not None:
        return _tag_holds(condition, condition.tag, facts.tags)
    value = facts.values(_name(condition))
    if condition.exists is not None:
        return bool(value) == condition.exists
    return _test_holds(condition, value)


def _name(condition: FlowCondition) -> str:
    if condition.answer is not None:
        return f"answers.{condition.answer}"
    if condition.attribute is not None:
        return f"attribute.{condition.attribute}"
    if condition.form is not None:
        return f"form.{condition.form}"
    return condition.contact or "input"


def _tag_holds(condition: FlowCondition, tag: str, tags: Mapping[str, str | None]) -> bool:
    spelling = spelling_in(tags, tag)
    if condition.exists is not None:
        return (spelling is not None) == condition.exists
    has_test = condition.model_fields_set - {"tag"}
    return _test_holds(condition, tags.get(spelling or tag) or "") if has_test else spelling is not None


def _test_holds(condition: FlowCondition, value: str) -> bool:
    if condition.matches is not None:
        return matches_somewhere(condition.matches, value)
    for field, is_met in _ORDERS.items():
        bound = getattr(condition, field)
        if bound is not None:
            order = _order(value, bound)
            return order is not None and is_met(order)
    return _text_test_holds(condition, _text(value))


def _text_test_holds(condition: FlowCondition, value: str) -> bool:
    if condition.is_ is not None:
        return value == _text(condition.is_)
    if condition.is_not is not None:
        return value != _text(condition.is_not)
    if condition.in_ is not None:
        return value in {_text(other) for other in condition.in_}
    if condition.not_in is not None:
        return value not in {_text(other) for other in condition.not_in}
    return condition.contains is not None and _text(condition.contains) in value


def _text(value: str) -> str:
    """Fold case, accents and punctuation, unless the value has nothing else."""
    return normalize_text(value) or value.strip()


def _order(value: str, bound: str) -> int | None:
    """Return -1, 0 or 1 if both are numbers or both are ISO days, else None."""
    value, bound = value.strip(), bound.strip()
    if _NUMBER.fullmatch(value) and _NUMBER.fullmatch(bound):
        first, second = float(value), float(bound)
        return (first > second) - (first < second)
    if _DAY.fullmatch(value) and _DAY.fullmatch(bound):
        return (value > bound) - (value < bound)
    return None


def condition_problems(path: Path, condition: FlowCondition, answers: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """Yield each problem of a `when` with its path in the file; `answers` are the names of the answers that the flow stores."""
    if _size(condition) > MAX_CONDITIONS:
        yield path, f"has more than {MAX_CONDITIONS} conditions"
    yield from _problems(path, condition, answers)


def _size(condition: FlowCondition) -> int:
    return 1 + sum(_size(child) for _, child in _children(condition))


def _problems(path: Path, condition: FlowCondition, answers: frozenset[str]) -> Iterator[tuple[Path, str]]:
    groups, subjects, tests = (_fields_set(condition, fields) for fields in (_GROUPS, _SUBJECTS, _TESTS))
    if groups:
        if len(groups) > 1 or subjects or tests:
            yield path, "all, any and not stand alone, each in a condition of its own"
        for inner, child in _children(condition):
            yield from _problems((*path, *inner), child, answers)
        return
    if len(subjects) != 1:
        yield path, "needs one subject; allowed: answer, attribute, tag, form, contact, input: true, or all, any, not"
    if len(tests) != 1 and not (subjects == ["tag"] and not tests):
        allowed = ", ".join(test.rstrip("_") for test in _TESTS)
        yield path, f"needs one test; allowed: {allowed}"
    if condition.answer and condition.answer not in answers:
        allowed_answers = ", ".join(sorted(answers)) or "none"
        yield (*path, "answer"), f"{condition.answer!r} is no answer of this flow; allowed: {allowed_answers}"
    if condition.matches and (problem := problem_with_pattern(condition.matches)):
        yield (*path, "matches"), problem


def _fields_set(condition: FlowCondition, fields: tuple[str, ...]) -> list[str]:
    return [field for field in fields if getattr(condition, field) not in (None, False) or
            (field == "exists" and condition.exists is False)]  # fmt: skip


def _children(condition: FlowCondition) -> Iterator[tuple[Path, FlowCondition]]:
    yield from ((("all", place), child) for place, child in enumerate(condition.all_ or ()))
    yield from ((("any", place), child) for place, child in enumerate(condition.any_ or ()))
    if condition.not_:
        yield ("not",), condition.not_
