"""外部の認証基盤の設定: which bodies sign in by a provider of their own (OpenID Connect)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from payments.store.municipalities import Body


class ProviderClient(BaseModel):
    """認証基盤での登録: who we are at a provider, and by what it knows us (:mod:`web.openid`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str
    secret_file: Path | None = None
    key_file: Path | None = None  # a private JWK; without both: a public client, by PKCE alone
    label: str = Field(default="", max_length=40)  # on the button

    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        """https, or this machine (for a provider behind a local proxy)."""
        if not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            msg = "issuer"
            raise ValueError(msg)
        return value.rstrip("/")


class OidcClient(ProviderClient):
    """認証基盤 of a body: one line of ``KOKIN_OIDC``, a JSON object by municipality code.

    ``claim`` is what of the person's token is the name here. ``mfa_amr`` and ``mfa_acr`` are what
    the provider says when it has asked for a second factor itself (RFC 8176, OIDC Core 2); without
    one of them ours is asked for.
    """

    claim: str = "preferred_username"
    mfa_amr: tuple[str, ...] = ("mfa",)
    mfa_acr: tuple[str, ...] = ()


class ResidentClient(ProviderClient):
    """デジタル認証アプリ of a body, a line of ``KOKIN_RESIDENTS``; off without one.

    ``scope`` asks for no more than what the first link to a person is compared with (law.md 10.2:
    the provider offers openid name address birthdate gender sign).
    """

    scope: str = "openid name address"
    # 科目 that one person owes alone; no other stands on anybody's own page. What is owed as an
    # employer or with others (特別徴収, 共有) is not theirs to see (law.md 10.1), so that a 科目
    # is out until the body names it.
    shown_items: tuple[str, ...] = Field(min_length=1)


def offered(
    clients: Mapping[str, OidcClient], bodies: Iterable[Body]
) -> list[tuple[Body, OidcClient]]:
    """The bodies of this installation that have a provider; ``clients`` by their codes."""
    return [(body, clients[body.code]) for body in bodies if body.code in clients]
