"""Caches parsed bot flows in a process. A stored version never changes, so it is parsed once."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from bot.flows.load import FlowDefinition, from_definition
from bot.opt_out_words import normalize_text
from bot.router import FlowChoice
from models.conversations.flow_versions import NewestVersion, load_definitions, newest_versions

MAX_KEPT = 500


class FlowCache:
    """Parsed versions by their ids, and the newest version of each flow."""

    def __init__(self) -> None:
        self._parsed: dict[int, FlowDefinition] = {}
        self._newest: dict[int, NewestVersion] = {}
        self._listed: Sequence[NewestVersion] = ()
        self._keywords: list[tuple[FlowChoice, frozenset[str]]] = []

    def refresh(self, session: Session, version_ids: Iterable[int]) -> None:
        """Load the newest version of every flow, and these versions. One small query if nothing changed."""
        listed = newest_versions(session)
        self._newest = {each.flow_id: each for each in listed}
        self._parse(session, {*version_ids, *(each.version_id for each in listed)})
        if listed != self._listed:
            self._listed = listed
            self._keywords = [
                (FlowChoice(each.flow_id, each.name), frozenset(map(normalize_text, flow.keywords)))
                for each in listed
                if (flow := self._parsed.get(each.version_id)) is not None and flow.keywords
            ]

    def version(self, version_id: int) -> FlowDefinition:
        """A version that was given to `refresh`. Raises KeyError if it does not exist."""
        return self._parsed[version_id]

    def newest(self, flow_id: int) -> tuple[int, FlowDefinition]:
        """The newest version's id and the flow. Raises KeyError if there is no such flow."""
        version_id = self._newest[flow_id].version_id
        return version_id, self._parsed[version_id]

    def choice(self, flow_id: int | None) -> FlowChoice | None:
        """The flow as the router's choice; None if there is no such flow."""
        newest = self._newest.get(flow_id or 0)
        return FlowChoice(newest.flow_id, newest.name) if newest else None

    @property
    def has_money_budgets(self) -> bool:
        """Whether a flow that was parsed limits what a conversation may cost."""
        return any(flow.budget is not None and flow.budget.amount is not None for flow in self._parsed.values())

    @property
    def keywords(self) -> Sequence[tuple[FlowChoice, frozenset[str]]]:
        """The keyword rules of the newest versions, oldest flow first."""
        return self._keywords

    @property
    def fallback(self) -> FlowChoice | None:
        """The flow that answers messages which belong to no campaign, session or keyword; None if there is none."""
        return next((FlowChoice(each.flow_id, each.name) for each in self._listed if each.is_fallback), None)

    def _parse(self, session: Session, version_ids: set[int]) -> None:
        missing = sorted(version_ids - set(self._parsed))
        if not missing:
            return
        if len(self._parsed) > MAX_KEPT:
            self._parsed.clear()
            missing = sorted(version_ids)
        for version_id, (version, definition) in load_definitions(session, missing).items():
            self._parsed[version_id] = from_definition(definition, version)
