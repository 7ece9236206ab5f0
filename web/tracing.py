"""トレース: phases (:mod:`payments.store.phases`) as spans of OpenTelemetry, sent by OTLP/HTTP.

Off unless ``KOKIN_OTLP_URL`` is set: then, and only then, the libraries are loaded. A span has the
template of a route, codes and counts; of an error its kind, never its words, which may carry
numbers. Nothing of the environment but our own settings decides where spans go.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from payments.store.phases import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.sdk.trace import SpanProcessor

    from payments.store.phases import Fact, Say
    from web.config import Settings

PARENT = "traceparent"
SERVED = "request"  # the phase that answers somebody
SENT = "webhook"  # the phase that asks somebody


def begin_tracing(settings: Settings, process: str) -> Callable[[], None]:
    """トレースの開始 in this process (``serve``, ``schedule``); what sends the rest and ends it."""
    if not settings.otlp_url:
        return _nothing
    import requests  # noqa: PLC0415 - see above
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - see above
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above

    token = settings.otlp_token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    session = requests.Session()
    session.trust_env = False  # no proxy and no password file of the environment
    exporter = OTLPSpanExporter(endpoint=settings.otlp_url, headers=headers, session=session)
    return trace_to(BatchSpanProcessor(exporter), process, settings.otlp_ratio)


def trace_to(processor: SpanProcessor, process: str, ratio: float = 1.0) -> Callable[[], None]:
    """Give every span to ``processor``; what ends that. ``ratio`` of the traces are kept."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only where it is on
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased  # noqa: PLC0415 - as above

    named = {"service.name": f"kokin-{process}", "service.version": version("kokin")}
    # By the number of the trace alone, whatever whoever asks says of sampling.
    provider = TracerProvider(
        resource=Resource(named), sampler=TraceIdRatioBased(ratio), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    watch(_Spans(provider.get_tracer("kokin")))

    def end() -> None:
        watch(None)
        provider.shutdown()

    return end


class _Spans:
    """見張り: a span for every phase."""

    def __init__(self, tracer: Any) -> None:
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - only where it is on
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
            TraceContextTextMapPropagator,
        )

        self._tracer = tracer
        self._carrier = TraceContextTextMapPropagator()
        self._kinds = {SERVED: SpanKind.SERVER, SENT: SpanKind.CLIENT}
        self._inside = SpanKind.INTERNAL
        self._error = StatusCode.ERROR

    @contextmanager
    def phase(self, name: str, facts: Mapping[str, Fact]) -> Iterator[Say]:
        """One span, in the trace of who asked or of the phase around it."""
        said = {key: value for key, value in facts.items() if key != PARENT and value != ""}
        named = " ".join(str(said[key]) for key in ("method", "route", "job") if key in said)
        parent = str(facts.get(PARENT, ""))
        with self._tracer.start_as_current_span(
            (named or name) if name == SERVED else f"{name} {named}".rstrip(),
            context=self._carrier.extract({PARENT: parent}) if parent else None,
            kind=self._kinds.get(name, self._inside),
            attributes={_attribute(key): value for key, value in said.items()},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def say(**more: Fact) -> None:
                for key, value in more.items():
                    span.set_attribute(_attribute(key), value)

            try:
                yield say
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._error)
                raise

    def onward(self) -> dict[str, str]:
        """``traceparent`` of the present span."""
        headers: dict[str, str] = {}
        self._carrier.inject(headers)
        return headers


# Names of the semantic conventions of OpenTelemetry; everything else is ours.
_CONVENTIONS = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}


def _attribute(key: str) -> str:
    return _CONVENTIONS.get(key, f"kokin.{key}")


def _nothing() -> None:
    """There was nothing to end."""
