"""近道: a plain POST to the interface, past what only pages need.

The framework's context, routing and hooks cost more than everything that a notification needs
(benchmarks/notify.py). The rules are those of :mod:`gate`, and whatever is not plain, or is not
answered with a 2xx, goes the long way.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from payments.store.phases import phase
from web.language import speaking
from web.language_choice import of_program
from web.notifications.gate import BODY_BYTES_MAX, REPLAYED, take_in
from web.notifications.routes import PATH
from web.security import UNCACHED, headers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flask import Flask

    from payments.store.phases import Say
    from web.notifications.gate import Gate
    from web.services import Services

_JSON = frozenset({"application/json", "application/json; charset=utf-8"})
_REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def short_way(app: Flask) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes] | None]:
    """What answers a plain POST; None for every other request, which is left as it is."""
    services: Services = app.extensions["kokin"]
    gate: Gate = app.extensions["kokin_gate"]
    headers = [*headers_of(services.settings).items(), UNCACHED]
    headers.append(("Content-Type", "application/json"))

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes] | None:
        if not _is_plain(environ):
            return None
        asked = environ.get("HTTP_TRACEPARENT", "")
        with (
            speaking(of_program(environ.get("HTTP_ACCEPT_LANGUAGE", ""))),
            phase("request", method="POST", route=PATH, traceparent=asked) as say,
        ):
            return told(environ, start_response, say)

    def told(environ: WSGIEnvironment, start_response: StartResponse, say: Say) -> Iterable[bytes]:
        try:
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            municipality_code, signed = gate.check(environ, PATH, body)
            key = environ.get("HTTP_IDEMPOTENCY_KEY")
            found = take_in(services.desk_of(municipality_code), signed, body, key)
        except Exception as error:  # noqa: BLE001 - it is answered as on the long way
            with app.request_context(environ):
                refused = app.finalize_request(app.handle_user_exception(error))
                say(status=refused.status_code)
                return refused(environ, start_response)
        more = [("Content-Length", str(len(found.data)))]
        if found.replayed:
            more.append((REPLAYED, "true"))
        say(status=found.status, body=municipality_code)
        start_response(_REASONS[found.status], headers + more)
        return [found.data]

    return answer


def _is_plain(environ: dict[str, Any]) -> bool:
    """Whether it is a POST of JSON of a length that is said and allowed, and nothing else."""
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["PATH_INFO"] == PATH
        and environ["REQUEST_METHOD"] == "POST"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_TYPE") in _JSON
        and "HTTP_CONTENT_ENCODING" not in environ
        and "HTTP_TRANSFER_ENCODING" not in environ
        and length.isdecimal()
        and int(length) <= BODY_BYTES_MAX
    )
