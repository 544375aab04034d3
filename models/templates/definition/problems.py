"""What is wrong with a template's definition, each at its field: `components[1].cards[3].buttons[0].text: it has 30 …`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.errors import OperatorError
from models.text import Text

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `path` is the place of the field in the definition, empty for the whole of it.

    `text` says what is wrong and what is allowed.
    """

    path: str
    text: Text

    @property
    def line(self) -> Text:
        """The problem as a line, with its field."""
        return Text("{field}: {text}", {"field": self.path or "definition", "text": self.text})

    def __str__(self) -> str:
        return str(self.line)


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
    """A template's definition that Meta would refuse. `problems` has every problem; the text is one line of them.

    The line has at most `MOST_SHOWN` problems, and says how many more there are.
    """

    def __init__(self, template: str, /, *, problems: Sequence[Problem], **values: object) -> None:
        lines: list[object] = [problem.line for problem in problems[:MOST_SHOWN]]
        if len(problems) > MOST_SHOWN:
            lines.append(Text("and {count} more", {"count": len(problems) - MOST_SHOWN}))
        super().__init__(template, problems=lines, **values)
        self.problems = tuple(problems)
