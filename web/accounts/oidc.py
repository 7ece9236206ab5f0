"""認証基盤でのサインイン of the staff: who somebody is the provider says (:mod:`web.openid`).

Whether they may come in is decided here: only a person who was entered by their name gets a
session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import RefusedError
from web import openid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from web.accounts.oidc_settings import OidcClient

SCOPE = "openid profile"


class Known(NamedTuple):
    """認証の結果: the name that the provider vouches for, and whether it asked for two factors."""

    user_name: str
    two_factors: bool


def begin(client: OidcClient, body: str, redirect_uri: str) -> tuple[str, openid.Kept]:
    """Where to send the browser, and what to keep; raises ``provider_unreachable``."""
    more = {"acr_values": " ".join(client.mfa_acr)} if client.mfa_acr else {}
    return openid.begin(client, body, redirect_uri, SCOPE, **more)


def finish(
    client: OidcClient, kept: openid.Kept, answer: Mapping[str, str], redirect_uri: str
) -> Known:
    """Who came back. Raises :class:`RefusedError` ``provider`` when anything does not fit."""
    claims = openid.finish(client, kept, answer, redirect_uri).claims
    amr = claims.get("amr") or ()
    two = not set(client.mfa_amr).isdisjoint(amr if isinstance(amr, list) else ())
    name = claims.get(client.claim)
    if not isinstance(name, str) or not name:
        raise RefusedError("provider")
    return Known(name, two or claims.get("acr") in client.mfa_acr)
