"""How a bot flow's nodes hang together: loops that nobody's reply breaks, and nodes that nothing leads to."""

from collections.abc import Iterator

from bot.flows.nodes import AnyNode, AskNode, EndNode, FlowDefinition, HandoffNode, targets


def endless_loops(flow: FlowDefinition) -> Iterator[tuple[str, str]]:
    """Loops that go round without anybody writing: each would send, or call out, for ever.

    Yields a node on the loop and the loop itself as a text. Every loop is found at least once, by depth-first search.
    """
    done: set[str] = set()
    for first in flow.nodes:
        yield from _loops_from(flow, first, done)


def unreachable(flow: FlowDefinition) -> set[str]:
    """The nodes to which no way leads from the start."""
    seen: set[str] = set()
    ahead = [flow.start] if flow.start else []
    while ahead:
        name = ahead.pop()
        if name not in seen and name in flow.nodes:
            seen.add(name)
            ahead.extend(to for _, to in targets(flow.nodes[name]))
    return flow.nodes.keys() - seen


def _loops_from(flow: FlowDefinition, first: str, done: set[str]) -> Iterator[tuple[str, str]]:
    trail: dict[str, Iterator[str]] = {}
    name: str | None = first if first not in done else None
    while name is not None:
        trail.setdefault(name, iter(_alone(flow, flow.nodes[name])))
        follower = next((to for to in trail[name] if to not in done), None)
        if follower is None:
            done.add(name)
            del trail[name]
            name = next(reversed(trail), None)
        elif follower in trail:
            names = list(trail)
            yield name, " → ".join([*names[names.index(follower) :], follower])
        else:
            name = follower


def _alone(flow: FlowDefinition, node: AnyNode) -> list[str]:
    """Where a node leads without a reply. What waits for one leads nowhere by itself."""
    if node.options or isinstance(node, AskNode | HandoffNode | EndNode):
        return []
    return [to for path, to in targets(node) if path != ("on_reply",) and to in flow.nodes]
