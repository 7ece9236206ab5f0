"""OpenID Connect: the authorisation code flow with PKCE, there and back (OIDC Core 1.0, RFC 7636).

One idea for whoever signs in by a provider: staff (:mod:`web.accounts.oidc`) and residents
(:mod:`web.residents.identity`) differ in what they ask for and in what they make of the answer.
Nothing of it is believed before its signature, its issuer, its audience, its times and its nonce
have been checked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from payments.domain.errors import ConfigurationError, RefusedError
from web import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 10.0
BYTES_MAX = 256 * 1024
LEEWAY_SECONDS = 60
LASTS_SECONDS = 600  # how long somebody may take at the provider
ASSERTION_SECONDS = 60
# Signatures that a provider makes with a key of its own; "none" and shared secrets are not among.
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Client(Protocol):
    """認証基盤での登録: who we are at a provider, and how we show it.

    By ``key_file`` (a private JWK, RFC 7523), by ``secret_file``, or by PKCE alone.
    """

    @property
    def issuer(self) -> str:
        """The provider, as it names itself."""

    @property
    def client_id(self) -> str:
        """Our name there."""

    @property
    def secret_file(self) -> Path | None:
        """Where our secret lies."""

    @property
    def key_file(self) -> Path | None:
        """Where our private key lies."""


class Kept(NamedTuple):
    """行きの控え: what has to come back or to fit what does, in the browser's own session."""

    body: str
    state: str
    nonce: str
    verifier: str
    begun_at: float


class Answer(NamedTuple):
    """認証の答え: the claims of a token that was checked, and the key to the person's others."""

    claims: dict[str, Any]
    access_token: str


def begin(
    client: Client, body: str, redirect_uri: str, scope: str, **more: str
) -> tuple[str, Kept]:
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
        "scope": scope,
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "state": kept.state,
        "nonce": kept.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    } | more
    place = _place(_discovered(client), "authorization_endpoint")
    return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(query)}", kept


def finish(client: Client, kept: Kept, answer: Mapping[str, str], redirect_uri: str) -> Answer:
    """What came back. Raises :class:`RefusedError` ``provider`` when anything does not fit."""
    fresh = kept.begun_at + LASTS_SECONDS > clock.now().timestamp()
    same = hmac.compare_digest(kept.state.encode(), answer.get("state", "").encode())
    code = answer.get("code", "")
    if not (fresh and same and code) or answer.get("iss", client.issuer) != client.issuer:
        raise RefusedError("provider")
    found = _discovered(client)
    place = _place(found, "token_endpoint")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client.client_id,
        "code_verifier": kept.verifier,
    }
    tokens = _fetch(place, form | _proof(client, place))
    keys = _fetch(_place(found, "jwks_uri"))
    claims = _checked(client, str(tokens.get("id_token", "")), keys, kept.nonce)
    return Answer(claims, str(tokens.get("access_token", "")))


def user_info(client: Client, answer: Answer) -> dict[str, Any]:
    """属性: what else the provider says about the same person (OIDC Core 5.3).

    Raises :class:`RefusedError` ``provider`` when it speaks of somebody else.
    """
    place = _place(_discovered(client), "userinfo_endpoint")
    found = _fetch(place, bearer=answer.access_token)
    if found.get("sub") != answer.claims["sub"]:
        raise RefusedError("provider")
    return found


def _proof(client: Client, place: str) -> dict[str, str]:
    """By what the provider knows that it is us."""
    if client.key_file is not None:
        return {"client_assertion_type": ASSERTION, "client_assertion": _assertion(client, place)}
    if client.secret_file is not None:
        return {"client_secret": _text(client.secret_file)}
    return {}


def _assertion(client: Client, place: str) -> str:
    """署名付きの証明 of who we are, for this one request (private_key_jwt, RFC 7523 3)."""
    try:
        key = JWKRegistry.import_key(json.loads(_text(client.key_file)))
        algorithm = str(key.as_dict(private=False).get("alg") or _usual(key.key_type))
        now = int(clock.now().timestamp())
        claims = {
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": place,
            "jti": secrets.token_urlsafe(24),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        header = {"alg": algorithm} | ({"kid": key.kid} if key.kid else {})
        return jwt.encode(header, claims, key, algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ConfigurationError("provider_secret", path=str(client.key_file)) from error


def _usual(key_type: str) -> str:
    """署名の方式 of a key that does not name one."""
    return {"EC": "ES256", "OKP": "EdDSA"}.get(key_type, "RS256")


def _checked(client: Client, id_token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
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


def _discovered(client: Client) -> dict[str, Any]:
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


def _fetch(url: str, form: Mapping[str, str] | None = None, bearer: str = "") -> dict[str, Any]:
    """A JSON object of the provider; raises ``provider_unreachable``."""
    body = urlencode(form).encode() if form else None
    headers = {"Accept": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    request = Request(url, body, headers)  # noqa: S310 - checked by _place
    try:
        with _opener.open(request, timeout=SECONDS) as answer:
            found = json.loads(answer.read(BYTES_MAX))
    except (URLError, OSError, ValueError, HTTPException) as error:
        raise RefusedError("provider_unreachable") from error
    if not isinstance(found, dict):
        raise RefusedError("provider_unreachable")
    return found


def _text(path: Path | None) -> str:
    """What a file of this machine says; :class:`ConfigurationError` ``provider_secret``."""
    try:
        return path.read_text("utf-8").strip() if path is not None else ""
    except OSError as error:
        raise ConfigurationError("provider_secret", path=str(path)) from error
