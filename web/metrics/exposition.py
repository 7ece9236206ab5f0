"""計測値の一覧: every figure with its name, and how requests are timed (Prometheus text format)."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from payments.domain.errors import ConfigurationError
from web.metrics.figures import BookFigures, free_space, read_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from payments.store.municipalities import Body
    from web.config import Settings
    from web.notifications.spool import Spool

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began says nothing here

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
NO_ROUTE = "-"  # what no page answers; otherwise strangers would choose the labels
SHORT_WAY = "/api/v1/payment-notifications"  # web.notifications.routes.PATH
_BY_JOB = (
    ("kokin_job_last_run_timestamp_seconds", "When the last run of a job began", "last_run"),
    (
        "kokin_job_last_success_timestamp_seconds",
        "When the last run of a job that went well ended",
        "last_success",
    ),
    ("kokin_job_last_duration_seconds", "How long the last run of a job took", "seconds"),
    ("kokin_jobs_failing", "Municipalities in which the last run of a job failed", "failing"),
)
_OF_BOOKS = (
    ("kokin_municipalities", "Municipalities that are served", "municipalities"),
    ("kokin_arrivals_overdue", "Files that are overdue, by the last watch", "arrivals_overdue"),
    ("kokin_verify_differences", "Differences of the last verification", "verify_differences"),
    ("kokin_cases_open", "Cases that nobody has settled", "cases_open"),
    ("kokin_events_waiting", "Events that wait to be delivered", "events_waiting"),
    ("kokin_events_failed", "Events whose delivery was given up", "events_failed"),
    ("kokin_events_oldest_due_timestamp_seconds", "When the oldest was due", "events_due_at"),
    ("kokin_closed_until_timestamp_seconds", "The end of the last closed day", "closed_until"),
    ("kokin_runner_heartbeat_timestamp_seconds", "The oldest sign of life", "heartbeat"),
)


class Measured(Protocol):
    """計られるもの: where a process looks for the figures of its books."""

    @property
    def settings(self) -> Settings:
        """Where its data folder is."""

    @property
    def engine(self) -> Engine:
        """Its database."""

    @property
    def bodies(self) -> Sequence[Body]:
        """Every body that it serves."""

    @property
    def spool(self) -> Spool:
        """The notifications that it has received and not yet booked."""


class Metrics(Collector):
    """計測値 of one process: its requests as they come, the books when somebody asks."""

    def __init__(self, measured: Measured) -> None:
        """Nothing is read before somebody asks."""
        self._measured = measured
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "kokin_request_seconds", "Seconds until a request was answered, by its route",
            ["route"], buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._requests = Counter(
            "kokin_requests", "Requests answered, by route and status",
            ["route", "status"], registry=self.registry,
        )  # fmt: skip
        self._children: dict[tuple[str, int], tuple[Histogram, Counter]] = {}
        self._short_way = self._seconds.labels(SHORT_WAY)
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def note(self, route: str | None, status: int, begun: float) -> None:
        """一件の応答: of a route (None: there is none) and how long it took since ``begun``."""
        name = route or NO_ROUTE
        found = self._children.get((name, status))
        if found is None:  # Looking a series up by its labels costs more than counting in it.
            found = self._seconds.labels(name), self._requests.labels(name, str(status))
            self._children[name, status] = found
        seconds, requests = found
        seconds.observe(perf_counter() - begun)
        requests.inc()

    def note_short_way(self, begun: float) -> None:
        """一件の納付通知 by the short way: thousands may come in a second, so only its time."""
        self._short_way.observe(perf_counter() - begun)

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self.registry)

    def describe(self) -> list[Any]:
        """Nothing is read from the books when the process starts."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What stands in the books now; where they cannot be read, that alone is said."""
        free, whole = free_space(str(self._measured.settings.home))
        yield _gauge("kokin_disk_free_bytes", "Free space on the disk of the data folder", free)
        yield _gauge("kokin_disk_bytes", "Size of the disk of the data folder", whole)
        try:
            codes = [body.code for body in self._measured.bodies]
            figures = read_figures(self._measured.engine, codes)
            waiting = [self._measured.spool.waiting(code) for code in codes]
        except (SQLAlchemyError, ConfigurationError):
            yield _gauge("kokin_books_readable", "Whether the books can be read", 0)
            return
        yield _gauge("kokin_books_readable", "Whether the books can be read", 1)
        yield _gauge(
            "kokin_notifications_waiting",
            "Notifications not yet booked",
            sum(each.number for each in waiting),
        )
        yield _gauge(
            "kokin_notifications_oldest_seconds",
            "Age of the oldest notification not yet booked",
            max(each.oldest_seconds for each in waiting),
        )
        yield from _of(figures)


def _of(figures: BookFigures) -> Iterator[GaugeMetricFamily]:
    """The figures of the books; an instant that there is not has no value."""
    for name, said, which in _OF_BOOKS:
        value = getattr(figures, which)
        family = GaugeMetricFamily(name, said)
        if value is not None:
            family.add_metric([], value)
        yield family
    for name, said, which in _BY_JOB:
        family = GaugeMetricFamily(name, said, labels=["job"])
        for job, value in sorted(getattr(figures, which).items()):
            family.add_metric([job], value)
        yield family


def _gauge(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=value)
