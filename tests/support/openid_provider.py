"""認証アプリの代わり: a real OpenID provider of a maintained library (Authlib), on this machine.

It asks of its client what Japan's digital authentication app asks (law.md 10.2): the authorisation
code flow, state, nonce, PKCE with S256, a redirect address that was registered, and a client that
signs who it is (private_key_jwt, RFC 7523). Name and address come from its userinfo endpoint, to
whoever was given the scopes ``name`` and ``address``.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7523.client import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, current_app, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Response

CLIENT_ID = "RP00000001"
SCOPES = ("openid", "name", "address", "birthdate", "gender", "sign")
FORM = """<!doctype html><html lang="ja"><title>認証アプリ（見本）</title><h1>認証アプリ（見本）</h1>
<form method="post"><label>利用者 <input name="sub"></label><button>認証する</button>
<button name="deny" value="yes">やめる</button></form>"""


@dataclass
class Person:
    """利用者: who signs in, and what is on their card."""

    sub: str
    claims: dict[str, Any] = field(default_factory=dict)

    def get_user_id(self) -> str:
        return self.sub


class Client(ClientMixin):  # type: ignore[misc]  # the library has no types
    """The one client that is registered, with the public half of its key."""

    def __init__(self, redirect_uri: str, jwk: dict[str, Any]) -> None:
        self.redirect_uri, self.jwk = redirect_uri, jwk

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(each for each in scope.split() if each in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "private_key_jwt"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # the library has no types
    """認可コード, used once."""

    code: str
    person: Person
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    auth_time = acr = amr = None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> None:
        """It says nothing of it."""

    get_acr = get_amr = get_auth_time


@dataclass
class Token(TokenMixin):  # type: ignore[misc]  # the library has no types
    """アクセストークン of a person."""

    person: Person
    scope: str

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return 300

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class Provider:
    """認証アプリの代わり: its people, and who may send them there."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key = RSAKey.generate_key(2048, {"kid": "op", "use": "sig", "alg": "RS256"})
        self.client_key = RSAKey.generate_key(2048, {"kid": "rp", "use": "sig", "alg": "RS256"})
        self.people: dict[str, Person] = {}
        self.redirect_uri = ""
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Token] = {}
        self.used: set[str] = set()  # client assertions
        self.nonces: set[str] = set()
        self.asked: list[dict[str, str]] = []  # what came to the authorisation endpoint

    def person(self, sub: str, **claims: Any) -> Person:
        """Somebody with a card."""
        self.people[sub] = Person(sub, claims)
        return self.people[sub]

    def register(self, redirect_uri: str, folder: Path) -> dict[str, Any]:
        """Our client there: what the settings of a body say of it."""
        self.redirect_uri = redirect_uri
        path = folder / "client-key.json"
        path.write_text(json.dumps(self.client_key.as_dict(private=True)))
        return {
            "issuer": self.issuer, "client_id": CLIENT_ID, "key_file": path,
            "label": "認証アプリ（見本）",
        }  # fmt: skip

    def claims_of(self, person: Person, scope: str) -> dict[str, Any]:
        """What a client with these scopes is told."""
        told = {name: value for name, value in person.claims.items()
                if name.partition("#")[0] in scope.split()}  # fmt: skip
        return {"sub": person.sub} | told


def _here() -> Provider:
    """The provider whose request this is."""
    found: Provider = current_app.extensions["provider"]
    return found


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # the library has no types
    """認可コードの発行と引換え."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("private_key_jwt",)

    def save_authorization_code(self, code: str, asked: Any) -> None:
        data = asked.payload.data
        _here().nonces.add(data["nonce"])
        _here().codes[code] = Code(
            code, asked.user, asked.payload.redirect_uri, asked.payload.scope, data["nonce"],
            data["code_challenge"], data["code_challenge_method"],
        )  # fmt: skip

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return _here().codes.get(code)

    def delete_authorization_code(self, code: Code) -> None:
        del _here().codes[code.code]

    def authenticate_user(self, code: Code) -> Person:
        return code.person


class IdToken(OpenIDCode):  # type: ignore[misc]  # the library has no types
    """IDトークン: who signed in, and nothing else of them."""

    def exists_nonce(self, nonce: str, asked: Any) -> bool:
        return nonce in _here().nonces

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return _here().key

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "RS256", "kid": "op"}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": _here().issuer, "aud": [CLIENT_ID]}

    def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
        return {"sub": user.sub}


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]  # the library has no types
    """クライアントの証明: signed by its registered key, each once."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def get_audiences(self) -> list[str]:
        return [f"{_here().issuer}/token"]

    def validate_jti(self, claims: Any, jti: str) -> bool:
        fresh = jti not in _here().used
        _here().used.add(jti)
        return fresh

    def resolve_client_public_key(self, client: Client) -> KeySet:
        return KeySet([RSAKey.import_key(client.jwk)])


class Bearer(BearerTokenValidator):  # type: ignore[misc]  # the library has no types
    """アクセストークンの確認."""

    def authenticate_token(self, token_string: str) -> Token | None:
        return _here().tokens.get(token_string)


def _query_client(client_id: str) -> Client | None:
    jwk = _here().client_key.as_dict(private=False)
    return Client(_here().redirect_uri, jwk) if client_id == CLIENT_ID else None


def _save_token(token: dict[str, Any], asked: Any) -> None:
    _here().tokens[token["access_token"]] = Token(asked.user, token["scope"])


def make_app(provider: Provider) -> Flask:
    """Its pages and endpoints."""
    app = Flask("provider")
    app.extensions["provider"] = provider
    server = AuthorizationServer(app, query_client=_query_client, save_token=_save_token)
    server.register_client_auth_method("private_key_jwt", Assertion())
    server.register_grant(CodeGrant, [CodeChallenge(required=True), IdToken(require_nonce=True)])
    protect = ResourceProtector()
    protect.register_token_validator(Bearer())
    _routes(app, provider, server, protect)
    return app


def _routes(app: Flask, provider: Provider, server: Any, protect: Any) -> None:
    @app.get("/.well-known/openid-configuration")
    def describe() -> Response:
        return jsonify(
            issuer=provider.issuer,
            authorization_endpoint=f"{provider.issuer}/authorize",
            token_endpoint=f"{provider.issuer}/token",
            userinfo_endpoint=f"{provider.issuer}/userinfo",
            jwks_uri=f"{provider.issuer}/keys",
        )

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(keys=[provider.key.as_dict(private=False)])

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        provider.asked.append(request.args.to_dict())
        if request.method == "GET":
            server.get_consent_grant(end_user=next(iter(provider.people.values())))
            return FORM
        person = None if "deny" in request.form else provider.people[request.form["sub"]]
        grant = server.get_consent_grant(end_user=person)
        return server.create_authorization_response(grant_user=person, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/userinfo")
    @protect("openid")  # type: ignore[untyped-decorator]  # the library has no types
    def userinfo() -> Response:
        return jsonify(provider.claims_of(current_token.person, current_token.scope))


class _Quiet(WSGIRequestHandler):
    def log(self, *_given: Any, **_named: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running() -> Iterator[Provider]:
    """The provider on a free port of this machine."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # this machine, without https
    provider = Provider()
    server = make_server("127.0.0.1", 0, make_app(provider), threaded=True, request_handler=_Quiet)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=120)
        del os.environ["AUTHLIB_INSECURE_TRANSPORT"]
