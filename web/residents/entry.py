"""本人のサインイン: to the provider of a body and back (OpenID Connect, law.md 10.2)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, session, url_for

from payments.domain.errors import ConfigurationError, KokinError, RefusedError
from payments.store.unit_of_work import unit_of_work
from web import messages, openid
from web.residents import linking, sessions
from web.residents.identity import arrive, claims_of
from web.security import limiter
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from payments.store.municipalities import Body

residents = Blueprint("residents", __name__, url_prefix="/my")
_KEPT = "resident_provider"

log = logging.getLogger(__name__)


@residents.get("")
def welcome() -> BaseResponse | str:
    """What the page is, and the way in; or that there is none here."""
    if sessions.signed_in() is not None:
        return redirect(url_for("own.overview"), 303)
    return _welcome()


@residents.get("/sign-in")
@limiter.limit("20 per minute")
def to_provider() -> BaseResponse | tuple[str, int]:
    """To the provider of a body; a link, for no form may lead to another site (CSP)."""
    body = request.args.get("body", "")
    client = services().settings.residents.get(body)
    if client is None or not services().serves(body):
        return _welcome(RefusedError("provider")), 404
    try:
        place, kept = openid.begin(client, body, _back(), client.scope)
    except KokinError as error:
        return _refused(error)
    session.clear()
    session[_KEPT] = list(kept)
    return redirect(place, 303)


@residents.get("/back")
@limiter.limit("20 per minute")
def from_provider() -> BaseResponse | tuple[str, int]:
    """Back from there: a session of their own; whose figures it shows a link has to say."""
    kept = openid.Kept(*session.pop(_KEPT, ("", "", "", "", 0.0)))
    client = services().settings.residents.get(kept.body)
    if client is None or not services().serves(kept.body):
        return _refused(RefusedError("provider"))
    settings, code = services().settings, kept.body
    try:
        answer = openid.finish(client, kept, request.args, _back())
        said = openid.user_info(client, answer)
    except KokinError as error:
        return _refused(error)
    with unit_of_work(services().engine, code) as connection:
        sub = str(answer.claims["sub"])
        resident_id = arrive(connection, settings, code, client.issuer, sub)
        linked = linking.obligor_of(connection, code, resident_id)
        waiting = linking.waiting_of(connection, code, resident_id)
        claims = None if linked or waiting else claims_of(said)
        token = sessions.begin(connection, settings, code, resident_id, claims)
    sessions.enter(token, code)
    return redirect(url_for("own.overview" if linked else "own.link"), 303)


def offering() -> list[Body]:
    """The bodies whose residents have a page of their own here."""
    return [body for body in services().bodies if body.code in services().settings.residents]


def _welcome(error: KokinError | None = None) -> str:
    found = offering()
    labels = {body.code: services().settings.residents[body.code].label for body in found}
    said = messages.error(error.error_code, error.details) if error else ""
    return render_template("residents/welcome.html", bodies=found, labels=labels, error=said)


def _refused(error: KokinError) -> tuple[str, int]:
    """The way in once more; which file of this machine cannot be read is for its log."""
    if isinstance(error, ConfigurationError):
        log.error("%s: %s", error.error_code, error.details)
        error = RefusedError("provider_unreachable")
    return _welcome(error), 401


def _back() -> str:
    """Where the provider sends the browser back to; it is registered there."""
    return url_for("residents.from_provider", _external=True)
