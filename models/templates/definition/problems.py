"""What is wrong with a template's definition, each at its field: `components[1].cards[3].buttons[0].text: it has 30 …`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.errors import OperatorError
from models.text import Text

MOST_SHOWN = 20
"""Problems in one line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `path` is the place of the field in the definition, empty for the whole of it.

    `text` says what is wrong and what is allowed.
    """

    path: str
    text: Text

    def __str__(self) -> str:
        return f"{self.path or 'definition'}: {self.text}"


class Problems:
    """The problems that were found, in the order of the definition's reading, each once."""

    def __init__(self) -> None:
        self._found: dict[str, Problem] = {}

    def add(self, path: str, template: str, /, **values: object) -> None:
        """Add a problem of the field at `path`."""
        problem = Problem(path, Text(template, values))
        self._found.setdefault(str(problem), problem)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)


class DefinitionError(OperatorError):
    """A template's definition that Meta would refuse. `problems` has every problem; the text is all of them in one line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("{problems}", problems=one_line(problems))
        self.problems = tuple(problems)


def one_line(problems: Sequence[Problem]) -> str:
    """The problems in one line; of more than `MOST_SHOWN` the first ones, and how many more there are."""
    shown = [str(problem) for problem in problems[:MOST_SHOWN]]
    more = len(problems) - len(shown)
    return "; ".join([*shown, f"and {more} more"] if more else shown)
