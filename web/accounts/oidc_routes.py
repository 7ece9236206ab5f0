"""認証基盤でのサインインの画面: to the provider of a body, and back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import redirect, request, session, url_for

from payments.domain.errors import ConfigurationError, KokinError, RefusedError
from payments.store.unit_of_work import reading, side_work
from web import messages, openid
from web.accounts import oidc, staff
from web.accounts.routes import entrance, open_session, sign_in_page
from web.security import limiter, source
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

__all__ = ["entrance"]  # with all of its pages

_KEPT = "provider"

log = logging.getLogger(__name__)


@entrance.get("/sign-in/provider")
@limiter.limit("30 per minute")
def to_provider() -> BaseResponse | tuple[str, int]:
    """To the provider of a body."""
    body = request.args.get("body", "")
    client = services().settings.oidc.get(body)
    if client is None or not services().serves(body):
        return _refused(body, RefusedError("provider"))
    try:
        place, kept = oidc.begin(client, body, _back())
    except KokinError as error:
        return _refused(body, error)
    session[_KEPT] = list(kept)
    return redirect(place, 303)


@entrance.get("/sign-in/provider/back")
@limiter.limit("30 per minute")
def from_provider() -> BaseResponse | tuple[str, int]:
    """Back from there: a session for whoever is entered here under the name that it gives."""
    kept = openid.Kept(*session.pop(_KEPT, ("", "", "", "", 0.0)))
    client = services().settings.oidc.get(kept.body)
    body = next((each for each in services().bodies if each.code == kept.body), None)
    if client is None or body is None:
        return _refused(kept.body, RefusedError("provider"))
    known = None
    try:
        known = oidc.finish(client, kept, request.args, _back())
        with reading(services().engine, body.code) as connection:
            user = staff.entitled(connection, body.code, known.user_name)
        if user is None:
            raise RefusedError("provider")
    except KokinError as error:
        with side_work(services().engine, body.code) as connection:
            name = known.user_name if known else ""
            staff.record(connection, body.code, name, "sign_in_failed", "provider", source())
        return _refused(body.code, error)
    factors = ("provider_mfa",) if known.two_factors else ("provider",)
    return open_session(user, body, factors)


def _refused(body: str, error: KokinError) -> tuple[str, int]:
    """The sign-in page, with what was wrong; not who is entered here and who is not.

    Which file of this machine cannot be read is for its log, and not for strangers.
    """
    if isinstance(error, ConfigurationError):
        log.error("%s: %s", error.error_code, error.details)
        error = RefusedError("provider_unreachable")
    return sign_in_page(chosen=body, error=messages.error(error.error_code, error.details)), 401


def _back() -> str:
    """Where the provider sends the browser back to; it is registered there."""
    return url_for("entrance.from_provider", _external=True)
