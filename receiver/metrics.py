"""Figures for Prometheus, correct with several workers. Imported only where `/metrics` is switched on."""

import os
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from receiver.errors import StoreUnavailable
from receiver.store.inbox import Inbox
from receiver.store.records import State

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# From a commit on a fast disk to Kaisa's patience.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20)


class Metrics:
    """What the receiver counts.

    Each worker counts its own requests in files of a folder that gunicorn.conf.py names; a scrape adds them up. What
    is in the store is asked of the store, so it is right whoever is asked.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kaisa_requests", "Webhook requests by answer.", ["status", "code"], registry=self._registry
        )
        self._accepted = Counter(
            "kaisa_accepted",
            "Deliveries answered 200, by event type and whether they had been stored before.",
            ["event_type", "duplicate"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "kaisa_request_seconds",
            "Seconds from the request's body to its answer.",
            registry=self._registry,
            buckets=_BUCKETS,
        )

    def refused(self, status: int, code: str, seconds: float) -> None:
        """Count a request that was not answered 200."""
        self._requests.labels(str(status), code).inc()
        self._seconds.observe(seconds)

    def accepted(self, event_type: str, seconds: float, *, duplicate: bool) -> None:
        """Count a delivery that was answered 200."""
        self._requests.labels("200", "accepted").inc()
        self._accepted.labels(event_type, "yes" if duplicate else "no").inc()
        self._seconds.observe(seconds)

    def page(self, now: datetime) -> bytes:
        """The text of a scrape."""
        counted = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            counted = CollectorRegistry()
            multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # the library has no types here
        stored = CollectorRegistry()
        stored.register(_Backlog(self._inbox, now))
        return generate_latest(counted) + generate_latest(stored)


class _Backlog(Collector):
    """What waits in the store. Not gauges: those would be kept by each worker for itself."""

    def __init__(self, inbox: Inbox, now: datetime) -> None:
        self._inbox = inbox
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Ask the store."""
        waiting = GaugeMetricFamily("kaisa_unhandled", "Deliveries that are not handled yet.", labels=["state"])
        age = GaugeMetricFamily("kaisa_unhandled_age_seconds", "Age of the oldest of them.", labels=["state"])
        try:
            backlog = self._inbox.backlog()
        except StoreUnavailable:  # the counters are wanted most when the store is down
            yield GaugeMetricFamily("kaisa_store_up", "Whether the store could be asked.", value=0)
            return
        yield GaugeMetricFamily("kaisa_store_up", "Whether the store could be asked.", value=1)
        for state in State.UNHANDLED:
            count, oldest = backlog.get(state, (0, self._now))
            waiting.add_metric([state], count)
            age.add_metric([state], max(0.0, (self._now - oldest).total_seconds()))  # a clock may be set back
        yield from (waiting, age)
