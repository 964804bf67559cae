"""What /metrics shows. Labels are fixed words: no ids, no patient data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class _House:
    """Reads the counters of the running services at each scrape."""

    def __init__(self, services: Any) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        worker = self._services.worker
        if worker is not None:
            counters = worker.counters
            yield _counter("runs_claimed", "Runs taken from the queue", counters.claimed)
            yield _counter("turns", "Steps carried out", counters.turns)
            yield _counter("fenced", "Commits refused because a lease had moved", counters.fenced)
            yield _counter("retries", "Attempts that will be repeated", counters.retried)
            closed = CounterMetricFamily(
                "careloom_runs_closed", "Runs that ended", labels=["state"]
            )
            for state, count in counters.closed.items():
                closed.add_metric([state], count)
            yield closed
            yield GaugeMetricFamily(
                "careloom_runs_held", "Runs this worker holds now", value=worker.held
            )
        sealer = self._services.sealer
        yield _counter("audit_rows_sealed", "Audit rows put into the chain", sealer.sealed)
        yield _counter("audit_checkpoints_signed", "Signed checkpoints", sealer.signed)


def _counter(name: str, text: str, value: int) -> CounterMetricFamily:
    return CounterMetricFamily(f"careloom_{name}", text, value=value)


def exposition(services: Any) -> bytes:
    """The Prometheus text exposition of this process."""
    registry = CollectorRegistry()
    registry.register(_House(services))
    return generate_latest(registry)
