"""仕訳の下見, and forms about money that has moved meanwhile."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff

M = "99999"
PASSWORD = "kaikei-no-himitsu"
SHOWN = re.compile(r'name="shown" value="([^"]+)"')
ENTRY = re.compile(r"<tr><th scope=\"row\">([^<]+)</th><td>([^<]+)</td>"
                   r"<td class=\"figure-cell\">([^<]+)</td>")  # fmt: skip
TABLES = (
    "journal", "posting", "line_outcome", "approval", "case_event", "number_block", "event",
    "placement", "link_block",
)  # fmt: skip


def _one(city, sql):
    with reading(city.engine, M) as connection:
        return connection.execute(text(sql)).first()


def _counts(city):
    with reading(city.engine, M) as connection:
        numbers = "SELECT COALESCE(SUM(next_value), 0) FROM number_block"
        return [
            connection.execute(text(f"SELECT COUNT(*) FROM {name}")).scalar_one() for name in TABLES
        ] + [connection.execute(text(numbers)).scalar_one()]


@pytest.fixture
def matched(city):
    return _one(
        city,
        "SELECT o.file_id, o.line_no, r.amount_yen FROM line_outcome o JOIN receipt r "
        "ON r.file_id = o.file_id AND r.line_no = o.line_no "
        "WHERE o.outcome = 'matched' AND r.stage = 'confirmed' AND r.amount_yen > 20000 "
        "ORDER BY o.file_id, o.line_no LIMIT 1",
    )


@pytest.fixture
def waiting(city):
    """A payment all of which waits, and an instalment with room for it."""
    return _one(
        city,
        "SELECT c.file_id, c.line_no, c.amount_yen, a.notice_id, a.term "
        "FROM review_case c, instalment_account a WHERE c.kind = 'duplicate' "
        "AND a.term_yen + a.whole_yen = 0 AND a.amount_yen >= c.amount_yen "
        "ORDER BY c.amount_yen DESC, a.notice_id, a.term LIMIT 1",
    )


@pytest.fixture
def approver(app, city):
    with unit_of_work(city.engine, M) as connection:
        staff.add(
            connection, M, "shonin2", roles=("approver", "collection"), display_name="s",
            password=PASSWORD,
        )  # fmt: skip
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": "shonin2", "password": PASSWORD})
    return client


def _path(line):
    return f"/staff/placements/{line.file_id}/{line.line_no}"


def _placed(line, **values):
    return {
        "notice": str(line.notice_id),
        f"part-{line.notice_id}-{line.term}": f"{line.amount_yen:,}",
        **values,
    }


def _entries(page):
    return ENTRY.findall(page[page.index('id="entries"') :])


def test_what_is_shown_before_is_what_is_booked_after(treasurer, approver, city, waiting):
    before = _counts(city)
    page = treasurer.post(_path(waiting), data=_placed(waiting, do="check")).text
    shown = _entries(page)
    assert len(shown) >= 2
    assert _counts(city) == before  # nothing of it stays
    answer = treasurer.post(_path(waiting), data=_placed(waiting, do="ask", reason="確認済"))
    place = answer.headers["Location"]
    assert _entries(approver.get(place).text) == shown  # the second person sees the same
    last = _one(city, "SELECT MAX(journal_id) AS id FROM journal").id
    assert approver.post(f"{place}/decision", data={"decision": "approved"}).status_code == 303
    with reading(city.engine, M) as connection:
        booked = connection.execute(
            text("SELECT amount_yen FROM posting WHERE journal_id > :last ORDER BY journal_id, "
                 "subject_file_id, subject_line_no, leg"), {"last": last},
        ).scalars()  # fmt: skip
        assert [f"{yen:,}円" for yen in booked] == [yen for *_sides, yen in shown]
    assert "承認されると記帳される仕訳" not in approver.get(place).text


def test_an_undo_shows_its_entries_too(treasurer, city, matched):
    before = _counts(city)
    page = treasurer.post(f"{_path(matched)}/undo", data={"do": "preview"}).text
    assert any(f"{matched.amount_yen:,}円" == yen for *_sides, yen in _entries(page))
    assert _counts(city) == before


def test_an_undo_says_which_payment_takes_the_place(treasurer, city):
    pair = _one(
        city,
        "SELECT s.file_id, s.line_no, d.file_id AS other_file, d.line_no AS other_line "
        "FROM receipt s JOIN receipt d ON d.notice_id = s.notice_id AND d.term = s.term "
        "JOIN line_outcome o ON o.file_id = d.file_id AND o.line_no = d.line_no "
        "WHERE o.outcome = 'duplicate' AND d.suspense_yen = s.applied_yen AND s.suspense_yen = 0 "
        "AND s.stage = 'confirmed' AND d.stage = 'confirmed' AND s.term <> '00' "
        "ORDER BY s.file_id, s.line_no LIMIT 1",
    )
    before = _counts(city)
    page = treasurer.post(f"{_path(pair)}/undo", data={"do": "preview"}).text
    told = page[page.index('id="instead"') : page.index('id="entries"') + 4_000]
    told = told[: told.index("</div>")]
    assert "待っている次の納付" in told
    assert f"資料 {pair.other_file} の {pair.other_line}行目" in told
    assert f"資料 {pair.file_id} の {pair.line_no}行目" not in told
    assert (
        f"資料 {pair.file_id} の {pair.line_no}行目"
        in page[page.index("<tbody", page.index('id="instead"')) :]
    )
    assert _counts(city) == before


def test_what_cannot_be_done_says_so_instead(treasurer, waiting):
    treasurer.post(_path(waiting), data=_placed(waiting, do="ask", reason="先に"))
    page = treasurer.post(_path(waiting), data=_placed(waiting, do="check")).text
    assert 'id="entries"' not in page  # somebody has asked already
    assert "承認を待っています" in page


def test_money_that_moved_meanwhile_is_not_asked_for(treasurer, approver, waiting):
    shown = SHOWN.search(treasurer.get(_path(waiting)).text)[1]
    place = approver.post(
        _path(waiting), data=_placed(waiting, do="ask", reason="先に", shown=shown)
    ).headers["Location"]
    refused = treasurer.post(
        _path(waiting), data=_placed(waiting, do="ask", reason="私の理由", shown=shown)
    )
    assert (refused.status_code, "approval_waiting" in refused.text) == (409, True)
    # There is no form to try again with, but nothing of what was typed is lost.
    assert '<dt>理由</dt><dd class="breakable">私の理由</dd>' in refused.text
    undo = treasurer.post(f"{_path(waiting)}/undo", data={"undo_reason": "逆の理由"})
    assert '<dt>理由</dt><dd class="breakable">逆の理由</dd>' in undo.text
    stale = treasurer.get(place)
    seen = SHOWN.search(stale.text)[1]
    recalled = approver.post(f"{place}/recall", data={"note": "やめる"})
    assert recalled.status_code == 303
    again = treasurer.post(
        _path(waiting), data=_placed(waiting, do="ask", reason="私の理由", shown="0" * 16)
    )
    assert (again.status_code, "画面を開いたあとに" in again.text) == (409, True)
    assert "私の理由</textarea>" in again.text
    late = treasurer.post(
        f"{place}/decision", data={"decision": "rejected", "note": "違う", "shown": seen}
    )
    assert late.status_code == 409
    assert "画面を開いたあとに" in late.text
