"""画面の写し: the pictures of README.md and docs/*.md as a list of screens of the sample city.

The city is what ``make demo`` makes, with fewer people and on a day that never changes; the steps
are those of the guides (:mod:`guides`). `make guides` takes the pictures anew.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from codebase import ROOT
from sqlalchemy import text

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.placement.ask import ask_placement
from reconcile.placement_model import Placement
from web import clock
from web.commands import demo

if TYPE_CHECKING:
    from pathlib import Path

    from web.commands.session import Session

PICTURES = ROOT / "docs" / "screenshots"
WIDTH, BYTES_MAX = 1366, 110_000
NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)  # 14:30 in Japan
SIZE = demo.CitySize(obligors=300, days=5, seed=1, start=date(2026, 11, 16))
M = "99999"
_SHOWN = re.compile(r"!\[[^\]]+\]\((?:docs/)?screenshots/([a-z-]+\.png)\)")
_PAID = """SELECT {what} FROM receipt r JOIN slip s ON s.slip_id = r.slip_id
JOIN notice n ON n.notice_id = s.notice_id WHERE {where} ORDER BY r.file_id, r.line_no"""
_NUMBER = "r.stage = 'confirmed' AND s.el_number IS NOT NULL AND r.applied_yen = s.amount_yen"
_PAID_FOR_ALL = (
    "r.stage = 'confirmed' AND s.term = '00' AND r.applied_yen = r.amount_yen "
    "AND (SELECT COUNT(*) FROM instalment i WHERE i.notice_id = s.notice_id) > 3"
)


class Shot(NamedTuple):
    """写し: a page, who opens it, what is done there, the heading for which it is shown."""

    picture: str
    user: str  # "" for residents, who sign in nowhere
    path: str
    heading: str
    height: int
    steps: tuple[str, ...] = ()
    top: str = ""  # the heading that the picture begins with, where that is not the page's own


ANSWER = (
    "fill 収納機関番号={body}", "fill 納付番号={case}", "fill 確認番号={proof}",
    "fill 納付区分={item}", "press 確認する",
)  # fmt: skip
SHOTS = (
    Shot("today.png", "kaikei", "/staff/", "2026年（令和8年）11月20日（金）", 1050),
    Shot("charts.png", "kaikei", "/staff/", "図で見る", 1100, top="図で見る"),
    Shot("day.png", "kaikei", "/staff/days/2026-11-20", "2026年（令和8年）11月20日（金）の日計", 1000),
    Shot("day-checks.png", "kaikei", "/staff/days/2026-11-20", "突合", 800, top="突合"),
    Shot("cases.png", "kaikei", "/staff/cases", "確認事項", 900),
    Shot("case.png", "kaikei", "/staff/cases/{case_no}", "二重納付", 1100),
    Shot("approval.png", "shonin", "/staff/approvals/{approval}", "消込取消", 1100),
    Shot(
        "person.png", "shuno", "/staff/people", "期別", 1100,
        ("fill 番号={person}", "choose 閲覧の目的=counter", "press 記録して開く"),
    ),
    Shot("resident-status.png", "", "/", "照会の結果", 880, ANSWER, "照会の結果"),
    Shot("dunning.png", "shuno", "/staff/dunning/1", "督促リスト 1", 1050),
    Shot("refunds.png", "shuno", "/staff/refunds", "過誤納と還付", 1050),
    Shot("arrivals.png", "kaikei", "/staff/arrivals/2026-11-20", "11月20日（金）の受領予定", 1000),
    Shot("jobs.png", "kanri", "/staff/jobs", "定時処理", 1000),
    Shot("file.png", "kaikei", "/staff/files/{bad}", "指摘", 900),
    Shot("slip.png", "nofu", "/staff/slips/{slip}/slip.png", "", 0),
)  # fmt: skip
VALUES = {
    "case_no": "SELECT MAX(case_no) FROM review_case WHERE kind = 'duplicate'",
    "approval": "SELECT MAX(approval_id) FROM approval",
    "bad": "SELECT file_id FROM source_file WHERE status = 'quarantined' ORDER BY file_id DESC",
    "person": "SELECT n.obligor_no FROM receipt r JOIN notice n ON n.notice_id = r.notice_id "
    "WHERE r.suspense_yen > 0 ORDER BY r.file_id, r.line_no",
    "body": _PAID.format(what="substr(s.el_number, 1, 5)", where=_NUMBER),
    "case": _PAID.format(what="substr(s.el_number, 6, 20)", where=_NUMBER),
    "proof": _PAID.format(what="substr(s.el_number, 26, 6)", where=_NUMBER),
    "item": _PAID.format(what="substr(s.el_number, 32, 3)", where=_NUMBER),
    "slip": "SELECT slip_id FROM slip WHERE el_number IS NOT NULL "
    "AND konbini_barcode IS NOT NULL AND state = 'new' ORDER BY slip_id",
}


def shown() -> list[str]:
    """The pictures that the documents show, each as often as it is shown."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [name for each in documents for name in _SHOWN.findall(each.read_text("utf-8"))]


def sample_city(session: Session, folder: Path) -> dict[str, str]:
    """見本の市 with somebody's wish to undo a posting; passwords of its staff by name."""
    sign_ins, _secret = demo._prepare(session, folder, SIZE, "")
    with unit_of_work(session.engine, M) as connection:
        paid = connection.execute(
            text(_PAID.format(what="r.file_id, r.line_no", where=_PAID_FOR_ALL) + " LIMIT 1")
        ).one()
        ask_placement(
            connection, load_profile(connection, M), Placement(paid.file_id, paid.line_no, ()),
            asked_by="kaikei", at=clock.now(), reason="家族の分との申出",
        )  # fmt: skip
    return {each.name: each.password for each in sign_ins}
