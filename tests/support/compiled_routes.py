"""Keeps what Werkzeug compiles from the panel's routes for every application that a test process makes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


@contextmanager
def routes_compiled_once() -> Iterator[None]:
    """Equal rules share the functions that build their addresses: these take the rule that they are called with."""
    compile_builder: Callable[[Rule, bool], _Builder] = Rule._compile_builder
    builders: dict[Any, _Builder] = {}

    def remembered(rule: Rule, append_unknown: bool = True) -> _Builder:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in builders:
            builders[key] = compile_builder(rule, append_unknown)
        return builders[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", remembered)
        yield
