"""認証基盤でのサインイン (OpenID Connect Core 1.0, authorization code with PKCE).

Who somebody is the provider says; whether they may come in is decided here: only a person who was
entered by their name gets a session. Nothing of the answer is believed before its signature, its
issuer, its audience, its times and its nonce have been checked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from payments.domain.errors import ConfigurationError, RefusedError
from web import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from web.accounts.oidc_settings import OidcClient

SECONDS = 10.0
BYTES_MAX = 256 * 1024
LEEWAY_SECONDS = 60
LASTS_SECONDS = 600  # how long somebody may take at the provider
# Signatures that a provider makes with a key of its own; "none" and shared secrets are not among.
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


class Kept(NamedTuple):
    """行きの控え: what has to come back or to fit what does, in the browser's own session."""

    body: str
    state: str
    nonce: str
    verifier: str
    begun_at: float


class Known(NamedTuple):
    """認証の結果: the name that the provider vouches for, and whether it asked for two factors."""

    user_name: str
    two_factors: bool


def begin(client: OidcClient, body: str, redirect_uri: str) -> tuple[str, Kept]:
    """Where to send the browser, and what to keep; raises ``provider_unreachable``."""
    kept = Kept(
        body,
        secrets.token_urlsafe(32),
        secrets.token_urlsafe(32),
        secrets.token_urlsafe(48),
        clock.now().timestamp(),
    )
    digest = hashlib.sha256(kept.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "scope": "openid profile",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "state": kept.state,
        "nonce": kept.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if client.mfa_acr:
        query["acr_values"] = " ".join(client.mfa_acr)
    place = _place(_discovered(client), "authorization_endpoint")
    return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(query)}", kept


def finish(client: OidcClient, kept: Kept, answer: Mapping[str, str], redirect_uri: str) -> Known:
    """Who came back. Raises :class:`RefusedError` ``provider`` when anything does not fit."""
    fresh = kept.begun_at + LASTS_SECONDS > clock.now().timestamp()
    same = hmac.compare_digest(kept.state.encode(), answer.get("state", "").encode())
    code = answer.get("code", "")
    if not (fresh and same and code) or answer.get("iss", client.issuer) != client.issuer:
        raise RefusedError("provider")
    found = _discovered(client)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client.client_id,
        "code_verifier": kept.verifier,
    }
    if client.secret_file is not None:
        form["client_secret"] = _secret(client)
    tokens = _fetch(_place(found, "token_endpoint"), form)
    keys = _fetch(_place(found, "jwks_uri"))
    claims = _checked(client, str(tokens.get("id_token", "")), keys, kept.nonce)
    amr = claims.get("amr") or ()
    two = not set(client.mfa_amr).isdisjoint(amr if isinstance(amr, list) else ())
    name = claims.get(client.claim)
    if not isinstance(name, str) or not name:
        raise RefusedError("provider")
    return Known(name, two or claims.get("acr") in client.mfa_acr)


def _checked(client: OidcClient, id_token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of a token that is the provider's, for us, now, and about this sign-in."""
    rules = jwt.JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": client.issuer},
        aud={"essential": True, "value": client.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        rules.validate(token.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise RefusedError("provider") from error
    claims: dict[str, Any] = token.claims
    if claims.get("azp", client.client_id) != client.client_id:
        raise RefusedError("provider")
    return claims


def _discovered(client: OidcClient) -> dict[str, Any]:
    """What the provider says of itself, of just this issuer."""
    found = _fetch(f"{client.issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != client.issuer:
        raise RefusedError("provider")
    return found


def _place(found: dict[str, Any], name: str) -> str:
    """An address of the provider: https, or this machine."""
    place = str(found.get(name, ""))
    if not place.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise RefusedError("provider")
    return place


class _NoRedirect(HTTPRedirectHandler):
    """An answer that leads elsewhere is no answer."""

    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        """Follow nothing."""


_opener = build_opener(ProxyHandler({}), _NoRedirect())


def _fetch(url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A JSON object of the provider; raises ``provider_unreachable``."""
    body = urlencode(form).encode() if form else None
    request = Request(url, body, {"Accept": "application/json"})  # noqa: S310 - checked by _place
    try:
        with _opener.open(request, timeout=SECONDS) as answer:
            found = json.loads(answer.read(BYTES_MAX))
    except (URLError, OSError, ValueError, HTTPException) as error:
        raise RefusedError("provider_unreachable") from error
    if not isinstance(found, dict):
        raise RefusedError("provider_unreachable")
    return found


def _secret(client: OidcClient) -> str:
    """The client's secret; :class:`ConfigurationError` ``provider_secret``."""
    path = client.secret_file
    try:
        return path.read_text("utf-8").strip() if path is not None else ""
    except OSError as error:
        raise ConfigurationError("provider_secret", path=str(path)) from error
