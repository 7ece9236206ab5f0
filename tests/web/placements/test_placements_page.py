"""充当先の画面: undo, move and split by two people, with every mistake beside its field."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import explain_line
from reconcile.placement.ask import placement_view
from reconcile.placement.credit_ask import GroupShare, credit_view
from reconcile.placement_model import Part
from reconcile.suggest.candidates import suggestions_for
from reconcile.verify.everything import verify
from web import messages
from web.accounts import staff
from web.app import create_app
from web.commands.setup import sample_profile
from web.placements import panel
from web.placements.candidates import digits
from web.placements.form import Typed, yen_of

M = "99999"
PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def admin(app):
    return _client(app, "kanri")


@pytest.fixture
def clerk(app, city):
    with unit_of_work(city.engine, M) as connection:
        staff.add(
            connection, M, "kazei", roles=("collection",), display_name="kazei", password=PASSWORD
        )
    return _client(app, "kazei")


def _client(app, name):
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    return client


def _one(city, sql):
    with reading(city.engine, M) as connection:
        return connection.execute(text(sql)).first()


@pytest.fixture
def matched(city):
    """A receipt that settled one instalment by itself."""
    return _one(
        city,
        "SELECT o.file_id, o.line_no, r.amount_yen FROM line_outcome o JOIN receipt r "
        "ON r.file_id = o.file_id AND r.line_no = o.line_no "
        "WHERE o.outcome = 'matched' AND r.stage = 'confirmed' AND r.amount_yen > 20000 "
        "ORDER BY o.file_id, o.line_no LIMIT 1",
    )


@pytest.fixture
def unknown(city):
    """A receipt all of which waits in suspense, and its case."""
    return _one(
        city,
        "SELECT c.file_id, c.line_no, c.case_no, c.amount_yen FROM review_case c "
        "WHERE c.kind = 'duplicate' ORDER BY c.amount_yen DESC LIMIT 1",
    )


@pytest.fixture
def unpaid(city):
    """A slip of an instalment to which nothing has been paid."""
    return _one(
        city,
        "SELECT s.slip_no, s.notice_id, s.term, a.amount_yen, n.notice_no FROM slip s "
        "JOIN instalment_account a ON a.notice_id = s.notice_id AND a.term = s.term "
        "JOIN notice n ON n.notice_id = s.notice_id "
        "WHERE s.state = 'new' AND a.term_yen + a.whole_yen = 0 AND a.amount_yen > 3000 "
        "ORDER BY a.amount_yen DESC LIMIT 1",
    )


def _path(line):
    return f"/staff/placements/{line.file_id}/{line.line_no}"


def _view(city, line):
    with reading(city.engine, M) as connection:
        return placement_view(connection, M, line.file_id, line.line_no)


def _field(place):
    return f"part-{place.notice_id}-{place.term}"


def test_yen_are_read_as_people_type_them():
    assert [yen_of(t) for t in ("", "１２，３００円", " 12,300 ", "5", "0")] == [
        0,
        12300,
        12300,
        5,
        0,
    ]
    assert [yen_of(t) for t in ("-1", "1.5", "abc", "1" * 12, "円")] == [None] * 4 + [0]
    typed = Typed()
    for place in (Part(3, "01", 1200), Part(3, "02", 5), GroupShare(7, 0)):
        typed.add(place)
    assert (typed.notices, typed.amounts) == ([3], {"part-3-01": "1,200", "part-3-02": "5"})


def test_a_link_is_undone_by_two_people_and_its_history_stays(treasurer, admin, city, matched):
    page = treasurer.get(_path(matched)).get_data(as_text=True)
    assert "いまの充当先" in page
    assert "人が決めたことはまだありません" in page
    missing = treasurer.post(f"{_path(matched)}/undo", data={"undo_reason": " "})
    assert missing.status_code == 422
    assert 'id="undo-error"' in missing.get_data(as_text=True)
    asked = treasurer.post(f"{_path(matched)}/undo", data={"undo_reason": "別人の納付"})
    assert (asked.status_code, asked.headers["Location"]) == (303, "/staff/approvals/1")
    pending = treasurer.get(_path(matched)).get_data(as_text=True)
    assert "消込取消の承認を待っています" in pending
    assert 'name="undo_reason"' not in pending
    again = treasurer.post(f"{_path(matched)}/undo", data={"undo_reason": "もう一度"})
    assert again.status_code == 409
    assert "承認 1 が決定を待っています" in again.get_data(as_text=True)
    own = treasurer.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert own.status_code == 403
    story = admin.get("/staff/approvals/1").get_data(as_text=True)
    for words in ("承認 1: 消込取消", "全額を仮受に戻します", "別人の納付", "この明細の説明"):
        assert words in story
    assert (
        admin.post("/staff/approvals/1/decision", data={"decision": "approved"}).status_code == 303
    )
    view = _view(city, matched)
    assert (view.outcome, view.rule, view.suspense_yen) == ("unlinked", "M1", matched.amount_yen)
    after = treasurer.get(_path(matched)).get_data(as_text=True)
    assert "消込取消（規則 M1）" in after
    assert "依頼 kaikei → 承認 kanri" in after
    assert "自動では戻らない結び付け: " in after
    case = panel.case_of_line
    with reading(city.engine, M) as connection:
        number = case(connection, M, matched.file_id, matched.line_no)
        assert explain_line(connection, M, matched.file_id, matched.line_no).stories
    page = treasurer.get(f"/staff/cases/{number}").get_data(as_text=True)
    assert "充当先のこれまでの決定" in page
    assert "依頼 kaikei → 承認 kanri" in page
    told = treasurer.get(f"/staff/explain/lines/{matched.file_id}/{matched.line_no}")
    assert "消込取消" in told.get_data(as_text=True)
    assert _path(matched) in told.get_data(as_text=True)
    assert list(verify(city.engine, M)) == []


def test_money_in_suspense_is_placed_from_its_case(treasurer, admin, city, unknown, unpaid):
    case = treasurer.get(f"/staff/cases/{unknown.case_no}").get_data(as_text=True)
    assert _path(unknown) in case
    assert "通知書番号か納付書番号を入れると" in treasurer.get(_path(unknown)).get_data(
        as_text=True
    )
    found = treasurer.post(_path(unknown), data={"do": "search", "number": unpaid.slip_no})
    page = found.get_data(as_text=True)
    placed = min(unknown.amount_yen, unpaid.amount_yen)
    assert found.status_code == 200
    assert f'name="{_field(unpaid)}" value="{placed:,}"' in page
    assert unpaid.slip_no not in found.request.url
    part = placed - 1000
    data = {"notice": unpaid.notice_id, _field(unpaid): f"{part:,}", "reason": "申出を確認"}
    checked = treasurer.post(_path(unknown), data={**data, "do": "check"})
    assert checked.status_code == 200
    assert f"<strong>{unknown.amount_yen - part:,}円</strong>" in checked.get_data(as_text=True)
    asked = treasurer.post(_path(unknown), data={**data, "do": "ask"})
    assert asked.headers["Location"] == "/staff/approvals/1"
    case = treasurer.get(f"/staff/cases/{unknown.case_no}").get_data(as_text=True)
    assert "再消込・振替の承認を待っています" in case
    admin.post("/staff/approvals/1/decision", data={"decision": "approved"})
    view = _view(city, unknown)
    assert [(p.notice_id, p.term, p.amount_yen) for p in view.parts] == [
        (unpaid.notice_id, unpaid.term, part)
    ]
    assert list(verify(city.engine, M)) == []


def test_several_instalments_take_their_shares(treasurer, admin, city, matched, unpaid):
    view = _view(city, matched)
    (stands,) = view.parts
    data = {
        "notice": [stands.notice_id, unpaid.notice_id],
        _field(stands): str(matched.amount_yen - 2000),
        _field(unpaid): "２，０００",
        "reason": "分割の申出",
        "do": "ask",
    }
    assert treasurer.post(_path(matched), data=data).status_code == 303
    story = admin.get("/staff/approvals/1").get_data(as_text=True)
    assert "承認 1: 分割" in story
    assert f"{matched.amount_yen - 2000:,}" in story
    admin.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert [part.amount_yen for part in _view(city, matched).parts] == [
        matched.amount_yen - 2000, 2000,
    ]  # fmt: skip


def test_every_mistake_stands_beside_its_field(treasurer, city, matched, unpaid):
    (stands,) = _view(city, matched).parts
    data = {"notice": unpaid.notice_id, "reason": "理由あり", "do": "ask"}

    def answer(**fields):
        found = treasurer.post(_path(matched), data={**data, **fields})
        return found.status_code, found.get_data(as_text=True)

    name = _field(unpaid)
    status, page = answer(**{name: "abc"})
    assert (status, "金額は数字で書いてください。" in page) == (422, True)
    assert f'id="{name}-error"' in page
    assert 'value="abc"' in page
    assert ">理由あり</textarea>" in page
    status, page = answer(**{name: str(unpaid.amount_yen + 1)})
    assert (status, f"充てられるのは {unpaid.amount_yen:,}円 まで" in page) == (422, True)
    status, page = answer()
    assert (status, "充てる額を書いてください" in page) == (422, True)
    status, page = answer(
        notice=[stands.notice_id, unpaid.notice_id],
        **{_field(stands): str(matched.amount_yen), name: "1"},
    )
    assert (status, "納付額" in page) == (422, True)
    status, page = answer(reason="", **{name: "5"})
    assert (status, 'id="reason-error"' in page) == (422, True)
    for number, said in (("", "入れてください"), ("XX-1", "見つかりません")):
        status, page = answer(do="search", number=number)
        assert (status, said in page, 'id="number-error"' in page) == (422, True, True)
    status, page = answer(notice=stands.notice_id, **{_field(stands): str(stands.amount_yen)})
    assert (status, "すでにそのとおりに充当されています" in page) == (409, True)
    assert "コード: placement_same" in page
    status, page = answer(number=unpaid.slip_no)  # looked up first, asked for by the next click
    assert status == 200
    with reading(city.engine, M) as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM approval")).scalar_one() == 0


def test_lines_without_money_and_roles_without_hands(treasurer, auditor, clerk, city, matched):
    failed = _one(
        city, "SELECT file_id, line_no FROM line_outcome WHERE outcome = 'repeat' LIMIT 1"
    )
    page = treasurer.get(_path(failed)).get_data(as_text=True)
    assert "収納を記帳していないため" in page
    told = treasurer.get(f"/staff/explain/lines/{failed.file_id}/{failed.line_no}")
    assert "お金の充当先" not in told.get_data(as_text=True)
    assert treasurer.post(_path(failed), data={"do": "check"}).status_code == 409
    assert treasurer.post(f"{_path(failed)}/undo", data={"undo_reason": "x"}).status_code == 409
    assert treasurer.get("/staff/placements/1/999999").status_code == 404
    looked = auditor.get(_path(matched)).get_data(as_text=True)
    assert 'name="do"' not in looked
    assert auditor.post(f"{_path(matched)}/undo").status_code == 403
    assert auditor.post(_path(matched)).status_code == 403
    assert (
        clerk.post(f"{_path(matched)}/undo", data={"undo_reason": "申出"})
        .headers["Location"]
        .endswith("/approvals/1")
    )


def test_a_request_that_the_books_have_overtaken_is_not_carried_out(
    treasurer, admin, city, matched
):
    treasurer.post(f"{_path(matched)}/undo", data={"undo_reason": "別人の納付"})
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO line_outcome SELECT municipality_code, file_id, line_no, revision + 1, "
                "outcome, rule, applied_yen, suspense_yen, slip_id, partner_file_id, "
                "partner_line_no, journal_id FROM line_outcome "
                "WHERE file_id = :f AND line_no = :l"
            ),
            {"f": matched.file_id, "l": matched.line_no},
        )
    page = admin.get("/staff/approvals/1").get_data(as_text=True)
    assert "依頼のあとに内容が変わった" in page
    assert 'value="approved"' not in page
    answer = admin.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert answer.status_code == 409
    assert (
        admin.post(
            "/staff/approvals/1/decision", data={"decision": "rejected", "note": "古い依頼"}
        ).status_code
        == 303
    )
    assert "消込取消の承認を待っています" not in treasurer.get(_path(matched)).get_data(
        as_text=True
    )
    assert panel.place_words(sample_profile(), "901/2026/0000000001/00").endswith("全期")


@pytest.fixture
def suggested(city):
    """A case whose money may belong somewhere, as the engine suggests."""
    with reading(city.engine, M) as connection:
        rows = connection.execute(
            text("SELECT file_id, line_no, case_no FROM review_case WHERE kind = 'amount_mismatch'")
        ).all()
        profile = sample_profile()
        return next(
            (row, found)
            for row in rows
            if (found := suggestions_for(connection, profile, row.file_id, row.line_no))
        )


def test_a_suggestion_is_compared_and_fills_the_form(treasurer, admin, auditor, city, suggested):
    line, (best, *_rest) = suggested
    case = f"/staff/cases/{line.case_no}"
    page = treasurer.get(case).get_data(as_text=True)
    assert "候補 1" in page
    assert messages.label("suggestion_level", best.level) in page
    for reason in best.reasons:
        assert messages.label("suggestion_reason", reason) in page
    (part,) = best.parts
    field = f'name="{_field(part)}" value="{part.amount_yen:,}"'
    assert field in page
    assert "この候補で承認を依頼する" not in auditor.get(case).get_data(as_text=True)
    sent = {"notice": part.notice_id, _field(part): f"{part.amount_yen:,}"}
    filled = treasurer.post(_path(line), data={**sent, "do": "check"})
    assert filled.status_code == 200
    assert field in filled.get_data(as_text=True)
    asked = treasurer.post(_path(line), data={**sent, "do": "ask", "reason": "候補のとおり"})
    assert asked.status_code == 303
    assert "候補 1" not in treasurer.get(case).get_data(as_text=True)
    admin.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert _view(city, line).outcome == "placed"
    assert _view(city, line).suspense_yen == 0


def test_the_digits_that_differ_stand_out():
    assert digits("12345", "12945") == (("12", False), ("3", True), ("45", False))
    assert digits("123", "1234") == (("123", False),)


# ---- credits on the account ----


@pytest.fixture
def transfer(city):
    """A credit from somebody who owes just its amount, and its case."""
    return _one(
        city, "SELECT file_id, line_no, case_no, amount_yen FROM review_case "
        "WHERE kind = 'direct_transfer' LIMIT 1",
    )  # fmt: skip


@pytest.fixture
def settled(city):
    """A credit that a rule has settled."""
    return _one(
        city, "SELECT d.file_id, d.line_no, d.amount_yen, s.group_id FROM deposit d "
        "JOIN settlement s ON s.file_id = d.file_id AND s.line_no = d.line_no "
        "WHERE d.state = 'settled' AND d.agent <> '' ORDER BY d.file_id, d.line_no LIMIT 1",
    )  # fmt: skip


def _credit(city, line):
    with reading(city.engine, M) as connection:
        return credit_view(connection, sample_profile(), line.file_id, line.line_no)


def test_a_transfer_is_placed_where_its_name_points(treasurer, clerk, admin, city, transfer):
    page = clerk.get(f"/staff/cases/{transfer.case_no}").get_data(as_text=True)
    for words in ("候補 1", "振込名義が納付義務者の名と等しい", "不明入金（歳計外）"):
        assert words in page
    with reading(city.engine, M) as connection:
        (best, *_rest) = suggestions_for(
            connection, sample_profile(), transfer.file_id, transfer.line_no
        )
    (part,) = best.parts
    data = {
        "notice": part.notice_id, _field(part): str(part.amount_yen), "learn_alias": "yes",
        "reason": "本人に電話で確認", "do": "ask",
    }  # fmt: skip
    assert clerk.post(_path(transfer), data=data).headers["Location"] == "/staff/approvals/1"
    refused = clerk.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert refused.status_code == 403
    story = treasurer.get("/staff/approvals/1").get_data(as_text=True)
    for words in ("承認 1: 入金の充当", "覚える名義", part.obligor_name, "振込依頼人"):
        assert words in story
    assert treasurer.post(
        "/staff/approvals/1/decision", data={"decision": "approved"}
    ).status_code == 303  # fmt: skip
    view = _credit(city, transfer)
    assert [(p.notice_id, p.term, p.amount_yen) for p in view.parts] == [
        (part.notice_id, part.term, part.amount_yen)
    ]
    assert list(verify(city.engine, M)) == []
    # What was placed is taken back in the same way.
    undone = treasurer.post(f"{_path(transfer)}/undo", data={"undo_reason": "別人だった"})
    assert undone.headers["Location"] == "/staff/approvals/2"
    pending = treasurer.get(_path(transfer)).get_data(as_text=True)
    assert "入金照合の取消の承認を待っています" in pending
    admin.post("/staff/approvals/2/decision", data={"decision": "approved"})
    assert _credit(city, transfer).parts == ()
    assert "自動では戻らない結び付け: " in treasurer.get(_path(transfer)).get_data(as_text=True)
    assert list(verify(city.engine, M)) == []


def test_a_settled_credit_is_taken_apart_and_given_its_remittance_again(
    treasurer, admin, city, settled
):
    page = treasurer.get(_path(settled)).get_data(as_text=True)
    assert f'name="group-{settled.group_id}" value="{settled.amount_yen:,}"' in page
    treasurer.post(f"{_path(settled)}/undo", data={"undo_reason": "日を取り違えた"})
    admin.post("/staff/approvals/1/decision", data={"decision": "approved"})
    assert _credit(city, settled).groups == ()
    after = treasurer.get(_path(settled)).get_data(as_text=True)
    assert "自動では戻らない結び付け: 払込" in after
    name = f"group-{settled.group_id}"
    assert f'name="{name}"' in after
    data = {"agent": _credit(city, settled).deposit.agent, "reason": "確認済", "do": "ask"}
    short = treasurer.post(_path(settled), data={**data, name: str(settled.amount_yen - 1)})
    assert short.status_code == 422
    assert "払込" in short.get_data(as_text=True)
    empty = treasurer.post(_path(settled), data=data)
    assert empty.status_code == 422
    asked = treasurer.post(_path(settled), data={**data, name: str(settled.amount_yen)})
    assert asked.status_code == 303
    assert "承認 2: 払込の指定" in admin.get("/staff/approvals/2").get_data(as_text=True)
    admin.post("/staff/approvals/2/decision", data={"decision": "approved"})
    view = _credit(city, settled)
    assert (view.rule, [group.group_id for group in view.groups]) == ("M3", [settled.group_id])
    assert list(verify(city.engine, M)) == []


def test_a_payer_is_chosen_to_see_what_it_still_owes(treasurer, transfer):
    page = treasurer.post(_path(transfer), data={"agent": "eltax", "do": "check"})
    assert page.status_code == 200
    assert 'value="eltax" selected' in page.get_data(as_text=True)
    nobody = treasurer.post(_path(transfer), data={"agent": "nobody", "do": "check"})
    assert nobody.status_code == 200
    assert 'name="group-' not in nobody.get_data(as_text=True)


@pytest.mark.postgres
def test_two_people_do_the_same_on_postgresql(postgres_city):
    app = create_app(
        postgres_city.settings, postgres_city.engine, TESTING=True, WTF_CSRF_ENABLED=False
    )
    treasurer, admin = _client(app, "kaikei"), _client(app, "kanri")
    lines = [
        _one(postgres_city, "SELECT o.file_id, o.line_no FROM line_outcome o "
             "WHERE o.outcome = 'matched' AND o.applied_yen > 10000 "
             "ORDER BY o.file_id, o.line_no LIMIT 1"),
        _one(postgres_city, "SELECT d.file_id, d.line_no FROM deposit d "
             "WHERE d.state = 'settled' AND d.agent <> '' ORDER BY d.file_id, d.line_no LIMIT 1"),
    ]  # fmt: skip
    for number, line in enumerate(lines, 1):
        asked = treasurer.post(f"{_path(line)}/undo", data={"undo_reason": "申出"})
        assert asked.headers["Location"] == f"/staff/approvals/{number}"
        assert "承認する" in admin.get(f"/staff/approvals/{number}").get_data(as_text=True)
        done = admin.post(f"/staff/approvals/{number}/decision", data={"decision": "approved"})
        assert done.status_code == 303
        after = treasurer.get(_path(line)).get_data(as_text=True)
        assert "自動では戻らない結び付け: " in after
    assert treasurer.get("/staff/approvals").get_data(as_text=True).count("承認済</span>") == 2
    suggested = _one(
        postgres_city,
        "SELECT case_no FROM review_case WHERE kind = 'direct_transfer' ORDER BY case_no LIMIT 1",
    )
    page = treasurer.get(f"/staff/cases/{suggested.case_no}")
    assert "候補 1" in page.get_data(as_text=True)
    assert list(verify(postgres_city.engine, M)) == []
