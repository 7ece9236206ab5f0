"""還付・充当の通知書: a letter on A4 as tagged PDF (PDF/UA-1), the same bytes every time.

Letters are written in Japanese whoever prints them.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import typst
from sqlalchemy import text

from payments.domain.overpayment import OverpaymentReason
from payments.store.personal import open_address
from reconcile.refunds.notices import APPROPRIATION
from web import formatting
from web.days.paper import fonts
from web.language import JAPANESE, speaking
from web.texts.refunds import LETTER, REFUND_LABELS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.refunds.notices import Notice

TEMPLATE = "notice.typ"


def notice_pdf(connection: Connection, profile: Profile, notice: Notice) -> bytes:
    """通知書 as PDF; :class:`ConfigurationError` ``font_missing`` without the Japanese font."""
    person = connection.execute(
        text(
            "SELECT name, postal_code, address FROM obligor "
            "WHERE municipality_code = :m AND obligor_no = :obligor_no"
        ),
        {"m": profile.municipality_code, "obligor_no": notice.obligor_no},
    ).one()
    with speaking(JAPANESE):
        said = letter(profile, notice)
    data = said | {
        "name": person.name,
        "postal_code": f"{person.postal_code[:3]}-{person.postal_code[3:]}",
        "address": open_address(
            connection, profile.municipality_code, notice.obligor_no, person.address
        ),
    }
    return typst.compile(
        files("web.refunds").joinpath(TEMPLATE).read_bytes(),
        font_paths=fonts(),
        sys_inputs={"notice": json.dumps(data, ensure_ascii=False)},
        pdf_standards="ua-1",
        timestamp=datetime.combine(notice.noticed_on, time(), UTC),
    )


def letter(profile: Profile, notice: Notice) -> dict[str, Any]:
    """通知書の文: everything it says but the address."""
    said = notice.content
    names = {item.item_code: item.name for item in profile.items}
    reason = OverpaymentReason(said["reason"])
    entrusted = any(part.get("entrusted") for part in said["parts"])
    also = "_entrusted" if entrusted else ""
    facts = [
        (LETTER["place"], _place(names, "/".join(map(str, said["place"])))),
        (LETTER["reason"], f"{reason.label_ja}（{reason.class_ja}）"),
        (LETTER["paid_on"], _day(said["paid_on"])),
        (LETTER["total"], _yen(said["total_yen"])),
        (LETTER["appropriated" + also], _yen(sum(part["amount_yen"] for part in said["parts"]))),
        (LETTER["refund"], _yen(said["refund_yen"])),
        (LETTER["interest_from"], f"{_day(said['interest_from_on'])}（{reason.article}）"),
    ]
    if bore := said.get("interest_on_parts_yen", 0):
        facts.append((LETTER["interest_on_parts"], _yen(bore)))
    sections = []
    if notice.kind != APPROPRIATION:
        claim = LETTER["claim"].format(
            late=_day(said["claim_late_on"]), expires=_day(said["expires_on"])
        )
        sections.append((LETTER["claim_title"], claim))
    sections.append((LETTER["objection_title"], LETTER["objection"]))
    if profile.contact:
        sections.append((LETTER["contact_title"], profile.contact))
    return {
        "title": REFUND_LABELS["refund_notice_kind"][notice.kind + also],
        "municipality": profile.name,
        "number": f"第{notice.notice_no}号",
        "day": formatting.full_day(notice.noticed_on),
        "opening": LETTER[f"opening_{notice.kind}"] + (LETTER["entrusted"] if entrusted else ""),
        "facts_title": LETTER["facts"],
        "facts": facts,
        "parts_title": LETTER["parts" + also],
        "parts_head": [LETTER[name + also] for name in ("parts_place", "parts_yen", "parts_day")],
        "parts": [
            (
                _place(names, part["place"])
                + (LETTER["is_entrusted"] if part.get("entrusted") else ""),
                _yen(part["amount_yen"]),
                _day(part["effective_on"]),
            )
            for part in said["parts"]
        ],
        "sections": sections,
    }


def _place(names: dict[str, str], place: str) -> str:
    """科目/賦課年度/通知書番号/期別 as a letter says it."""
    item, year, number, term = place.split("/")
    instalment = "全期" if term in {"", "00"} else f"第{int(term)}期"
    return f"{names.get(item, item)} {year}年度 {number} {instalment}"


def _day(value: str) -> str:
    return formatting.full_day(date.fromisoformat(value))


def _yen(value: int) -> str:
    return f"{value:,}円"
