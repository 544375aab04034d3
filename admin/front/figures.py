"""Writes the front server's figures in Prometheus' text format."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.links.click_writer import LOSSES
from bot.links.redirect import ANSWERS


class FrontFigures(Collector):
    """The figures since the process began."""

    def __init__(
        self,
        connections: int,
        spooled_bytes: int,
        webhooks: Mapping[int, int],
        turned_away: Mapping[str, int],
        panel_failures: Mapping[int, int],
        links: Mapping[str, int],
        lost_clicks: Mapping[str, int],
    ) -> None:
        self._gauges = (
            GaugeMetricFamily("hark_front_connections", "Clients that are connected.", value=connections),
            GaugeMetricFamily("hark_front_spooled_bytes", "Disk that bodies under way fill.", value=spooled_bytes),
        )
        self._counters = (
            _counter("hark_webhooks", "Answers to webhooks.", "status", webhooks, (200, 401, 503)),
            _counter(
                "hark_front_turned_away",
                "Connections that were closed: slow with their headers, to make room, or for want of room.",
                "reason",
                turned_away,
                ("slow", "displaced", "refused"),
            ),
            _counter("hark_panel_failures", "Requests that the panel did not answer.", "status", panel_failures, (502, 503, 504)),
            _counter("hark_links", "Answers to tracked links.", "answer", links, tuple(ANSWERS.values())),
            _counter("hark_clicks_lost", "Clicks that were redirected and not kept.", "reason", lost_clicks, LOSSES),
        )  # fmt: skip

    def collect(self) -> tuple[Metric, ...]:
        """Return every metric."""
        return (*self._gauges, *self._counters)

    def text(self) -> str:
        """Return them as text."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry).decode()


def _counter(
    name: str, text: str, label: str, counts: Mapping[int, int] | Mapping[str, int], always: Sequence[int | str]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    values = dict.fromkeys(map(str, always), 0) | {str(value): count for value, count in counts.items()}
    for value, count in values.items():
        family.add_metric([value], count)
    return family
