"""Finds loops of a bot flow that never wait for a reply, and nodes that cannot be reached from its start."""

from collections.abc import Iterator

from bot.flows.nodes import AnyNode, AskNode, EndNode, FlowDefinition, HandoffNode, targets


def endless_loops(flow: FlowDefinition) -> Iterator[tuple[str, str]]:
    """Yield loops that run without a reply: each would send messages or call out for ever.

    Each item is a node on the loop, and the loop as text (`a → b → a`). A depth-first search finds each at least once.
    """
    done: set[str] = set()
    for first in flow.nodes:
        yield from _loops_from(flow, first, done)


def unreachable(flow: FlowDefinition) -> set[str]:
    """Return the names of the nodes that cannot be reached from the start."""
    seen: set[str] = set()
    queue = [flow.start] if flow.start else []
    while queue:
        name = queue.pop()
        if name not in seen and name in flow.nodes:
            seen.add(name)
            queue.extend(to for _, to in targets(flow.nodes[name]))
    return flow.nodes.keys() - seen


def _loops_from(flow: FlowDefinition, first: str, done: set[str]) -> Iterator[tuple[str, str]]:
    trail: dict[str, Iterator[str]] = {}
    name: str | None = first if first not in done else None
    while name is not None:
        trail.setdefault(name, iter(_next_without_reply(flow, flow.nodes[name])))
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


def _next_without_reply(flow: FlowDefinition, node: AnyNode) -> list[str]:
    """Return the nodes that follow without a reply; none for a node that waits for one."""
    if node.options or isinstance(node, AskNode | HandoffNode | EndNode):
        return []
    return [to for path, to in targets(node) if path != ("on_reply",) and to in flow.nodes]
