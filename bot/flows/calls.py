"""Checks what a bot flow calls against the installation that is to run it: addresses that it never calls, secrets that it lacks."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.flows.nodes import FlowDefinition, HttpNode
from bot.flows.placeholders import PART, problem_with_url
from bot.flows.secrets import secret_paths
from bot.outbound.address import problem_with_call
from bot.outbound.rules import OutboundRules

Path = tuple[str | int, ...]
Problem = tuple[Path, str]


@dataclass(frozen=True)
class Place:
    """What the check of a flow needs to know of an installation. `secrets`: the names of those that are set."""

    rules: OutboundRules
    secrets: frozenset[str] = frozenset()

    def problems(self, flow: FlowDefinition) -> Iterator[Problem]:
        """Yield what would make a flow's calls fail here, whenever they are made."""
        for path, url in _urls(flow):
            # What a name in braces stands for cannot change the host, so any letter can take its place.
            if (problem := problem_with_call(PART.sub("x", url), self.rules)) and not _has_problem_of_form(url):
                yield path, problem
        for path, name in secret_paths(flow):
            if name not in self.secrets:
                known = ", ".join(sorted(self.secrets)[:20]) or "none"
                yield path, f"there is no secret {name}; set it with: flask flows secret set {name}; there are: {known}"


def scheme_problems(flow: FlowDefinition) -> Iterator[Problem]:
    """Yield the calls by http, which no installation makes that does not allow the host on purpose."""
    for path, url in _urls(flow):
        if not _has_problem_of_form(url) and (problem := problem_with_url(url)):
            yield path, problem


def _urls(flow: FlowDefinition) -> Iterator[tuple[Path, str]]:
    if flow.kind == "external":
        if flow.url and "{" not in flow.url:
            yield ("url",), flow.url
        return
    for name, node in flow.nodes.items():
        if isinstance(node, HttpNode):
            yield ("nodes", name, "url"), node.url


def _has_problem_of_form(url: str) -> bool:
    """Whether `bot.flows.validate` refuses the address already, wherever the flow is."""
    return problem_with_url(url, schemes=("https", "http")) is not None
