"""Counts the messages that a bot flow sends to one person: on the shortest and the longest way through it; names its loops."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from bot.flows.external import MAX_MESSAGES
from bot.flows.nodes import AnyNode, AskNode, EndNode, FlowDefinition, HandoffNode, MessageNode, targets

MAX_TRIES = 20_000
"""Ways through a loop that are looked at; beyond them each of its nodes counts once, which is never too little."""
MAX_LOOPS = 20

Graph = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FlowPaths:
    """Numbers of messages. `shortest` is to an end of the flow, `longest` passes no node twice.

    `retries` is the most that answers which are not understood add to the longest way. `loops` are texts such as `a → b → a`:
    each round sends their messages again. Of an external flow the numbers are those for one answer of its bot.
    """

    shortest: int
    longest: int
    shortest_way: tuple[str, ...] = ()
    retries: int = 0
    loops: tuple[str, ...] = ()
    is_external: bool = False

    @property
    def has_end(self) -> bool:
        """Whether a number of messages limits the longest way."""
        return not self.loops and not self.is_external


def paths_of(flow: FlowDefinition) -> FlowPaths:
    """Count the messages of a valid flow. A budget of messages limits the longest way, and what retries add to it."""
    most = flow.budget.messages if flow.budget else None
    if flow.kind == "external" or flow.start is None:
        return FlowPaths(0, MAX_MESSAGES if most is None else min(MAX_MESSAGES, most), is_external=True)
    graph = {name: list(dict.fromkeys(_followers(node))) for name, node in flow.nodes.items()}
    sent = {name: _messages(node) for name, node in flow.nodes.items()}
    with_retries = {name: sent[name] + _retries(node) for name, node in flow.nodes.items()}
    shortest, way = _shortest(flow, graph, sent)
    longest, longest_with = (_longest(graph, weights, flow.start) for weights in (sent, with_retries))
    if most is not None:
        shortest, longest, longest_with = (min(number, most) for number in (shortest, longest, longest_with))
    reachable = _reachable(graph, flow.start)
    loops = tuple(_loops({name: graph[name] for name in graph if name in reachable}))
    return FlowPaths(shortest, longest, way, longest_with - longest, loops)


def _followers(node: AnyNode) -> Iterator[str]:
    """The nodes that can follow; `next` of a node whose every option leads elsewhere is never taken."""
    is_unused = bool(node.options) and all(option.next for option in node.options.values())
    takes_text = isinstance(node, AskNode) and node.expect != "choice"
    for path, target in targets(node):
        if path != ("next",) or not is_unused or takes_text:
            yield target


def _messages(node: AnyNode) -> int:
    if isinstance(node, MessageNode | AskNode):
        return 1
    return int(isinstance(node, HandoffNode | EndNode) and node.text is not None)


def _retries(node: AnyNode) -> int:
    if isinstance(node, AskNode):
        return node.retries
    return node.max_retries if isinstance(node, MessageNode) and node.options else 0


def _can_end(node: AnyNode) -> bool:
    """Whether the flow can be over after this node, other than by answers that are not understood."""
    if isinstance(node, HandoffNode | EndNode):
        return True
    if getattr(node, "failed", "") is None:
        return True
    is_open = getattr(node, "next", "") is None
    if isinstance(node, MessageNode | AskNode) and node.options:
        return is_open and not all(option.next for option in node.options.values())
    return is_open


def _shortest(flow: FlowDefinition, graph: Graph, sent: Mapping[str, int]) -> tuple[int, tuple[str, ...]]:
    start = flow.start or ""
    queue: list[tuple[int, int, tuple[str, ...]]] = [(sent[start], 1, (start,))]
    done: set[str] = set()
    while queue:
        messages, _, way = heappop(queue)
        if way[-1] in done:
            continue
        done.add(way[-1])
        if _can_end(flow.nodes[way[-1]]):
            return messages, way
        for name in graph[way[-1]]:
            heappush(queue, (messages + sent[name], len(way) + 1, (*way, name)))
    return sent[start], (start,)  # it has no end; who stops to answer got this much


def _longest(graph: Graph, sent: Mapping[str, int], start: str) -> int:
    """The most messages of a way from `start` that passes no node twice. Loops are searched one by one, the rest is a sum."""
    best: dict[str, int] = {}
    for component in _components(graph, start):
        inside = frozenset(component)
        beyond = {name: max((best[to] for to in graph[name] if to not in inside), default=0) for name in component}
        for name in component:
            found = _longest_inside(graph, sent, beyond, name)
            best[name] = sum(sent[each] for each in component) + max(beyond.values()) if found is None else found
    return best[start]


def _longest_inside(graph: Graph, sent: Mapping[str, int], beyond: Mapping[str, int], first: str) -> int | None:
    """The most messages from `first` on, through nodes of its loop (the keys of `beyond`) and what follows; None: too many ways."""
    most, tries = 0, 0
    stack: list[tuple[str, frozenset[str], int]] = [(first, frozenset({first}), sent[first])]
    while stack:
        name, passed, messages = stack.pop()
        tries += 1
        if tries > MAX_TRIES:
            return None
        most = max(most, messages + beyond[name])
        stack.extend(
            (to, passed | {to}, messages + sent[to]) for to in graph[name] if to in beyond and to not in passed
        )
    return most


def _components(graph: Graph, start: str) -> list[list[str]]:
    """The sets of nodes that reach each other, each after all that can follow it (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_nodes: list[str] = []
    components: list[list[str]] = []
    trail: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        index[name] = low[name] = len(index)
        open_nodes.append(name)
        trail.append((name, iter(graph[name])))

    enter(start)
    while trail:
        name, following = trail[-1]
        for to in following:
            if to not in index:
                enter(to)
                break
            if to in open_nodes:
                low[name] = min(low[name], index[to])
        else:
            trail.pop()
            if trail:
                low[trail[-1][0]] = min(low[trail[-1][0]], low[name])
            if low[name] == index[name]:
                place = open_nodes.index(name)
                components.append(open_nodes[place:])
                del open_nodes[place:]
    return components


def _loops(graph: Graph) -> Iterator[str]:
    """For each node its shortest loop, each loop once, beginning with the node that the file has first."""
    order = {name: place for place, name in enumerate(graph)}
    seen: set[frozenset[str]] = set()
    for name in graph:
        loop = _loop_through(graph, name)
        if loop and frozenset(loop) not in seen and len(seen) < MAX_LOOPS:
            seen.add(frozenset(loop))
            first = loop.index(min(loop, key=order.__getitem__))
            turned = loop[first:] + loop[:first]
            yield " → ".join([*turned, turned[0]])


def _loop_through(graph: Graph, start: str) -> list[str]:
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        for to in graph[name]:
            if to == start:
                way = [name]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if to not in came_from and to in graph:
                came_from[to] = name
                queue.append(to)
    return []


def _reachable(graph: Graph, start: str) -> set[str]:
    seen, queue = {start}, deque([start])
    while queue:
        for to in graph[queue.popleft()]:
            if to not in seen:
                seen.add(to)
                queue.append(to)
    return seen
