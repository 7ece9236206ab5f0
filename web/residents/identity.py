"""本人: who came back from the provider, and whether they are the person of the books.

The provider's ``sub`` never lies here in clear: a keyed digest finds the same person again. What it
says of name and address is compared once, by equality after folding of writing alone; nothing that
merely looks alike is taken (design R6). What does not agree is for people to decide.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select

from payments.domain.kana import fold_name
from web import clock
from web.notifications import sealed_secrets
from web.residents.tables import ResidentRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from web.config import Settings

TEXT_MAX = 200
KANA = "name#ja-Kana-JP"  # OIDC Core 5.2: a claim in another writing

table = ResidentRow.__table__  # type: ignore[attr-defined]


class Claims(NamedTuple):
    """属性: what the provider says of the person, as far as it is compared."""

    name: str = ""
    kana: str = ""
    address: str = ""


class Agreement(NamedTuple):
    """一致: what of the claims is what the books say."""

    name: bool
    address: bool

    @property
    def whole(self) -> bool:
        """Nobody needs to look at it."""
        return self.name and self.address


def claims_of(said: Mapping[str, Any]) -> Claims:
    """属性 from what the provider answered; an address comes as text or as its parts."""
    address = said.get("address", "")
    if isinstance(address, dict):
        parts = ("region", "locality", "street_address")
        address = address.get("formatted") or "".join(str(address.get(each, "")) for each in parts)
    named = (said.get("name", ""), said.get(KANA, ""), address)
    return Claims(*(str(each or "")[:TEXT_MAX] for each in named))


def arrive(connection: Connection, settings: Settings, code: str, issuer: str, sub: str) -> str:
    """本人の特定: the id of this person here, the same every time they come."""
    digest = sealed_secrets.digest(settings, f"resident|{code}|{issuer}|{sub}").hex()
    mine = (table.c.municipality_code == code, table.c.sub_digest == digest)
    found = connection.execute(select(table.c.resident_id).where(*mine)).scalar_one_or_none()
    if found is not None:
        return str(found)
    resident_id = secrets.token_hex(16)
    connection.execute(
        insert(table).values(
            municipality_code=code,
            resident_id=resident_id,
            sub_digest=digest,
            made_at=clock.now(),
        )
    )
    return resident_id


def compare(claims: Claims, name: str, kana: str, address: str) -> Agreement:
    """照合: the claims beside what the books say; what folds to nothing agrees with nothing."""
    same_name = _same(folded(claims.name), folded(name))
    same_kana = _same(fold_name(claims.kana), fold_name(kana))
    same_place = _same(folded_address(claims.address), folded_address(address))
    return Agreement(same_name or same_kana, same_place)


def _same(claimed: str, known: str) -> bool:
    return bool(claimed) and claimed == known


def folded(text: str) -> str:
    """表記の統一: one width, no spaces.

    >>> folded("見本　太郎") == folded("見本 太郎")
    True
    """
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def folded_address(text: str) -> str:
    """住所の表記の統一: no prefecture, digits for 丁目・番・号, one kind of dash.

    >>> folded_address("見本県みほん市見本一丁目１７番９号")
    'みほん市見本1-17-9'
    >>> folded_address("みほん市見本1丁目17-9")
    'みほん市見本1-17-9'
    """
    plain = _PREFECTURE.sub("", folded(text))
    plain = _COUNTED.sub(lambda found: _digits(found[1]) + found[2], plain)
    return _DASH.sub("-", _UNIT.sub("-", plain)).strip("-")


_SPACE = re.compile(r"\s+")
_PREFECTURE = re.compile(r"^(?:東京都|北海道|京都府|大阪府|.{2,3}県)(?=.{2})")
_COUNTED = re.compile(r"([〇一二三四五六七八九十]+)(丁目|番地|番|号)")
_UNIT = re.compile(r"(?<=\d)(?:丁目|番地の?|番|号|の(?=\d))")
_DASH = re.compile(r"[-‐‑‒–—―−ー－]+(?=\d|$)")
_KANJI = {kanji: value for value, kanji in enumerate("〇一二三四五六七八九")}


def _digits(kanji: str) -> str:
    """数字: 二十三 → 23."""
    tens, ten, ones = kanji.rpartition("十")
    if not ten:
        return "".join(str(_KANJI[each]) for each in kanji)
    first = int("".join(str(_KANJI[each]) for each in tens if each != "十") or "1")
    return str(first * 10 + (_KANJI[ones] if len(ones) == 1 else 0))
