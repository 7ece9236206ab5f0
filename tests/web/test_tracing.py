"""Traces: off they are nothing at all; on they join those who ask and those who are asked."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from receiver import receiving
from signed_requests import URL, headers

from payments.domain.errors import ConfigurationError
from payments.store.phases import carried, onward, phase
from web import tracing
from web.config import load_settings
from web.events.addresses import Reach
from web.events.signature import new_secret
from web.events.transport import post_signed

ASKED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans():
    """Spans as they end."""
    kept = InMemorySpanExporter()
    end = tracing.trace_to(SimpleSpanProcessor(kept), "test")
    yield kept
    end()


def told(spans, name):
    return next(span for span in spans.get_finished_spans() if span.name == name)


def trace_of(span):
    return f"{span.context.trace_id:032x}"


def test_off_nothing_is_loaded_and_a_phase_is_always_the_same_nothing():
    code = (
        "import sys; from web import tracing; from web.config import Settings; "
        "tracing.begin_tracing(Settings(), 'serve')(); "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert phase("one", count=1) is phase("two")
    assert onward() == {}
    assert carried(print) is print
    with phase("one") as say:
        say(count=1)


def test_a_request_is_named_by_its_template_and_stays_in_the_trace_of_who_asks(client, spans):
    client.get("/staff/slips/12345678901?x=1", headers={"traceparent": ASKED})
    client.get("/nothing/of/ours/98765432101")
    span = told(spans, "GET /staff/slips/<int:slip_id>")
    assert (trace_of(span), span.kind) == (TRACE, SpanKind.SERVER)
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.attributes["http.response.status_code"] == 303
    assert told(spans, "request").attributes["http.response.status_code"] == 404
    everything = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "12345678901" not in everything
    assert "98765432101" not in everything


def test_what_is_no_traceparent_begins_a_trace_of_its_own(client, spans):
    for wrong in ("", "00-zz-b7ad6b7169203331-01", "x" * 500, f"00-{'0' * 32}-{'0' * 16}-01"):
        spans.clear()
        client.get("/healthz", headers={"traceparent": wrong})
        span = told(spans, "GET /healthz")
        assert span.parent is None
        assert trace_of(span) != "0" * 32


def test_the_short_way_of_notifications_is_traced_with_its_status(client, spans):
    sent = headers("none", "s" * 40, b"{}") | {"traceparent": ASKED}
    client.post(URL, data=b"{}", headers=sent, content_type="application/json")
    (span,) = spans.get_finished_spans()
    assert (span.name, trace_of(span)) == (f"POST {URL}", TRACE)
    assert span.attributes["http.response.status_code"] == 401


def test_a_webhook_carries_its_trace_also_from_another_thread(spans):
    at, secret = datetime(2026, 6, 1, tzinfo=UTC), new_secret()
    with receiving() as receiver:
        reach = Reach(frozenset({"127.0.0.1"}), (ip_network("127.0.0.0/8"),), plain_http=True)

        def send(number):
            return post_signed(reach, receiver.url, [secret], b"{}", message_id=number, at=at)

        with phase("job", job="outbox"), ThreadPoolExecutor(2) as threads:
            assert {answer.reason for answer in threads.map(carried(send), "ab")} == {"delivered"}
        heard = {each.headers["traceparent"][:-3] for each in receiver.heard}  # without its flags
        send("c")  # by itself: a trace of its own
        alone = receiver.heard[-1].headers["traceparent"][:-3]
    job = told(spans, "job outbox")
    sent = [span for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
    made = {f"00-{trace_of(each)}-{each.context.span_id:016x}" for each in sent}
    assert made == heard | {alone}
    assert {each.split("-")[1] for each in heard} == {trace_of(job)}
    assert alone.split("-")[1] != trace_of(job)


def test_off_a_webhook_has_no_header_of_traces():
    at = datetime(2026, 6, 1, tzinfo=UTC)
    with receiving() as receiver:
        reach = Reach(frozenset({"127.0.0.1"}), (ip_network("127.0.0.0/8"),), plain_http=True)
        post_signed(reach, receiver.url, [new_secret()], b"{}", message_id="a", at=at)
    assert "traceparent" not in receiver.heard[0].headers


def test_of_an_error_only_its_kind_is_said(spans):
    with pytest.raises(ValueError, match="太郎"), phase("job", job="verify"):
        raise ValueError("見本 太郎")
    span = told(spans, "job verify")
    assert span.attributes["error.type"] == "ValueError"
    assert (span.events, span.status.description) == ((), None)


def test_spans_arrive_at_the_address_of_the_settings_and_nowhere_else(monkeypatch):
    heard = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            heard.append((self.path, self.headers["Authorization"], self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            """Say nothing."""

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody is there
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    end = tracing.begin_tracing(load_settings(otlp_url=url, otlp_token="t" * 32), "serve")
    with phase("job", job="seal"):
        pass
    end()
    server.shutdown()
    thread.join()
    server.server_close()
    ((path, token, body),) = heard
    assert (path, token) == ("/v1/traces", f"Bearer {'t' * 32}")
    assert b"job seal" in body
    assert b"kokin-serve" in body


@pytest.mark.parametrize("wrong", [{"otlp_url": "collector:4318"}, {"otlp_ratio": 2}])
def test_a_setting_of_traces_that_cannot_be_is_named_at_the_start(wrong):
    with pytest.raises(ConfigurationError) as error:
        load_settings(**wrong)
    assert error.value.details["field"].startswith("KOKIN_OTLP_")
