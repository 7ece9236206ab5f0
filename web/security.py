"""守り: headers, CSRF, rate limits, and the login rule that every blueprint declares.

A page without a rule is never served: the gate refuses what nobody has decided about.
"""

from __future__ import annotations

import functools
from enum import Enum
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    redirect,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from payments.domain.errors import RefusedError
from payments.store.phases import phase
from payments.store.unit_of_work import reading
from web import clock
from web.accounts import kept_form, sessions, staff
from web.duties import MAY, ROLES, can
from web.residents import sessions as resident_sessions
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flask import Request
    from flask import typing as ft
    from werkzeug.wrappers import Response as BaseResponse

    from payments.store.municipalities import Body
    from web.config import Settings
    from web.duties import Do
    from web.metrics.exposition import Metrics
    from web.services import Services

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Limits(Limiter):
    """回数の制限: each is declared at its view."""

    def _check_request_limit(
        self,
        callable_name: str | None = None,
        in_middleware: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        """Look only where a view declares a limit: none of ours is for every request."""
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


class Application(Flask):
    """Flask, where a request that carries its own signature goes past what protects sessions.

    It has no session, no form and no limit per address; what it needs is its blueprint's own, and
    thousands of them may come in a second.
    """

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer by the short way of the notifications where there is one, else as Flask does."""
        short_way = self.extensions.get("kokin_short_way")
        begun = perf_counter()
        found: Iterable[bytes] | None = short_way(environ, start_response) if short_way else None
        if found is None:
            return super().__call__(environ, start_response)
        self._metrics.note_short_way(begun)
        return found

    def full_dispatch_request(self) -> Response:
        """Answer, and note how long it took."""
        begun, status = perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
        rule = request.url_rule
        with phase(
            "request",
            method=request.method if rule else "",  # of what is asked for only: a list of ours
            route=rule.rule if rule else "",
            traceparent=request.headers.get("traceparent", ""),
        ) as say:
            try:
                response = super().full_dispatch_request()
                status = response.status_code
            finally:
                say(status=status, body=g.get("municipality", ""))
                self._metrics.note(rule.rule if rule else None, status, begun)
        return response

    @property
    def _metrics(self) -> Metrics:
        shared: Services = self.extensions["kokin"]
        return shared.metrics

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Only the hooks of its own blueprint look at a signed request."""
        if not self._signed():
            return super().preprocess_request()
        for hook in self.before_request_funcs.get(request.blueprint, ()):
            refused: Any = hook()
            if refused is not None:
                return refused  # type: ignore[no-any-return]
        return None

    def process_response(self, response: Response) -> Response:
        """The headers of every answer, and for a signed request nothing else."""
        return _headers(response) if self._signed() else super().process_response(response)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is a coroutine."""
        return func

    def _signed(self) -> bool:
        rule = self.extensions.get("kokin_access", {}).get(request.blueprint)
        return rule is Access.SIGNED


class Sessions(SecureCookieSessionInterface):
    """セッション: as Flask's own, but a request without cookies costs nothing."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """An empty session where nobody can have signed in."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)


csrf = CSRFProtect()
# Counted per process; one server process is the default (docs/architecture.md).
limiter = Limits(key_func=get_remote_address, storage_uri="memory://")

SESSION_SECONDS = int(sessions.LASTS.total_seconds())
IDLE_SECONDS = int(sessions.IDLE.total_seconds())
NUMBER_MAX = 2**63 - 1
COUNTED, COUNTED_MAX = ("page", "closure"), 10**9  # pages are counted on from, in rows

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: the CSRF check of https pages compares the referrer.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000; includeSubDomains"
UNCACHED = ("Cache-Control", "no-store")


class Access(Enum):
    """入場の規則 of a blueprint."""

    PUBLIC = "public"  # anybody
    SIGNED = "signed"  # the request proves itself by its signature, in the view
    STAFF = "staff"  # a signed-in member of staff
    RESIDENT = "resident"  # somebody who has shown who they are, at their own page


def register(app: Flask, blueprint: Blueprint, access: Access) -> None:
    """Add a blueprint together with its login rule."""
    rules: dict[str, Access] = app.extensions.setdefault("kokin_access", {})
    rules[blueprint.name] = access
    if access is Access.SIGNED:
        csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


def guard(app: Flask) -> None:
    """Put the gate before every request and the headers behind every answer."""
    app.session_interface = Sessions()
    app.before_request(_gate)
    app.after_request(_headers)


def _gate() -> BaseResponse | None:
    """Let a request in by the rule of its blueprint; without a rule nothing gets in."""
    if request.endpoint in {None, "static"}:
        return None  # The error handler or the static folder answers.
    if not _has_an_answer():
        abort(404)
    access = current_app.extensions["kokin_access"].get(request.blueprint)
    if access in {Access.PUBLIC, Access.SIGNED}:
        _refuse_nul()
        return None
    if access is Access.RESIDENT:
        return _own_page()
    if access is not Access.STAFF:
        abort(403)
    user = signed_in()
    if user is None:
        return _run_out()
    g.user = user
    _refuse_nul()
    needs: tuple[str, ...] = g.staff_session.needs
    if needs and request.endpoint not in STEP_PAGES[needs[0]]:
        return redirect(url_for(STEP_PAGES[needs[0]][0]), 303)
    return None


def _own_page() -> BaseResponse | None:
    """Let a resident in whose session is in force; anybody else begins at the way in."""
    found = resident_sessions.signed_in()
    if found is None:
        return redirect(url_for("residents.welcome"), 303)
    g.resident = found
    _refuse_nul()
    return None


def _has_an_answer() -> bool:
    """Whether any row can have what the address names: nothing that no database could look for."""
    named = [*(request.view_args or {}).values(), *request.args.values()]
    numbers = [each for each in named if isinstance(each, int)]
    asked = [request.args.get(name, 0, type=int) for name in COUNTED]
    return (
        all(number <= NUMBER_MAX for number in numbers)
        and all(number <= COUNTED_MAX for number in asked)
        and not any("\0" in each for each in named if isinstance(each, str))
    )


def _refuse_nul() -> None:
    """No text of a person has NUL in it, and PostgreSQL takes none."""
    if any("\0" in value for values in request.form.listvalues() for value in values):
        abort(400)


# What may be done before everything else; the first page is where somebody is led.
STEP_PAGES = {
    "second_factor": (
        "steps.second_factor",
        "steps.check_second_factor",
        "steps.question",
        "steps.check_passkey",
        "accounts.sign_out",
    ),
    "new_password": ("steps.new_password", "steps.set_password", "accounts.sign_out"),
    "enrol": (
        "factors.choose",
        "factors.authenticator",
        "factors.confirm_authenticator",
        "factors.question",
        "factors.register_passkey",
        "accounts.sign_out",
    ),
}


def _run_out() -> BaseResponse:
    """Nobody is signed in (any more): to the sign-in page; what was typed comes along.

    Whoever was signed in is told there that they are no longer, once.
    """
    kept, was_in = kept_form.take(), "token" in session
    session.clear()
    if was_in:
        session["run_out"] = True
    response = redirect(url_for("entrance.sign_in"), 303)
    kept_form.give(response, kept)
    return response


def signed_in() -> staff.StaffUser | None:
    """The member of staff whose session this is, or None when there is none in force.

    A session is one of a body: the request is about that body from here on.
    """
    token, code = session.get("token"), session.get("body")
    now = clock.now()
    if not (isinstance(token, str) and isinstance(code, str)):
        return None
    if now.timestamp() - session.get("seen", 0) > IDLE_SECONDS or not services().serves(code):
        return None
    with reading(services().engine, code) as connection:
        found = sessions.find(connection, code, token)
        user = staff.entitled(connection, code, found.user_name) if found else None
    if user is None or found is None:
        return None
    services().enter(code)
    if not found.was_seen_lately(now):
        sessions.seen(services().quick_engine, code, found)
    g.staff_session = found
    session["seen"] = now.timestamp()
    return user


def begin_session(token: str, body: Body) -> None:
    """A new session of one body; nothing of the one before survives."""
    session.clear()
    session.update(token=token, seen=clock.now().timestamp())
    # Where there are several, every page says whose books it shows.
    session.update(body=body.code, body_name="" if services().sole else body.name)


def renew_session(token: str) -> None:
    """セッションの更新: the same session under another secret, and with new form tokens."""
    session.pop("csrf_token", None)
    session["token"] = token


def may(what: Do) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """Only who has this permission may do it; everybody else gets 403."""

    def wrap(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        @functools.wraps(view)
        def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            if not can(g.user, what):
                raise RefusedError("role_needed", roles=tuple(r for r in ROLES if r in MAY[what]))
            return view(*args, **kwargs)

        checked.needs = what  # type: ignore[attr-defined]
        return checked

    return wrap


def proven(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer | BaseResponse]:
    """直前の本人確認: who does this has shown who they are within the last ten minutes.

    Whoever is being led to enrol has just given their password.
    """

    @functools.wraps(view)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer | BaseResponse:
        current: sessions.StaffSession = g.staff_session
        if current.needs or current.is_proved(clock.now()):
            return view(*args, **kwargs)
        back = request.full_path if request.method == "GET" else request.referrer or ""
        back = urlsplit(back)._replace(scheme="", netloc="").geturl()
        response = redirect(url_for("accounts.prove", back=back), 303)
        kept_form.give(response, kept_form.take())  # What was typed is offered again behind it.
        return response

    return checked


def _headers(response: Response) -> Response:
    """Headers of every answer; only static files and what a view says are ever cached."""
    there = {name for name, _value in response.headers}
    mine = headers_of(services().settings)
    response.headers.extend([each for each in mine.items() if each[0] not in there])
    if request.endpoint != "static":
        name, value = UNCACHED
        # What is the same for everybody and public says so itself (g.cached).
        response.headers[name] = g.get("cached", value)
    return response


def headers_of(settings: Settings) -> dict[str, str]:
    """The headers of every answer."""
    return HEADERS | ({"Strict-Transport-Security": HSTS} if settings.https else {})


def source() -> str:
    """Where a request comes from, for the records."""
    address: Any = get_remote_address()
    return str(address)
