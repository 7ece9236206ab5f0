"""The slip desk: what a paper is, reissue, revoke, print with read-back, runs and their release."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from payments import print_runs, uploads
from payments.domain.identifiers import konbini_check_digit
from payments.print_runs import PrintRun, RunFile, Section
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.commands.setup import sample_profile
from web.printing.plan import Wish, plan_for
from web.slips import printing
from web.slips.runs import progress_of

PASSWORD = "kaikei-no-himitsu"


def _rows(city, statement, **values):
    with reading(city.engine, "99999") as connection:
        return connection.execute(text(statement), values).all()


@pytest.fixture
def clerk(app):
    found = app.test_client()
    found.post("/staff/sign-in", data={"user_name": "nofu", "password": PASSWORD})
    return found


@pytest.fixture
def slip(city):
    """A current slip of an open instalment that nothing has been paid on."""
    return _rows(
        city,
        "SELECT s.slip_id, s.slip_no, s.el_number, s.konbini_barcode, s.amount_yen FROM slip s "
        "JOIN instalment_account a ON a.notice_id = s.notice_id AND a.term = s.term "
        "WHERE s.state = 'new' AND a.term_yen + a.whole_yen = 0 AND a.amount_yen = s.amount_yen "
        "AND s.el_number IS NOT NULL AND s.konbini_barcode IS NOT NULL "
        "ORDER BY s.slip_id LIMIT 1",
    )[0]  # fmt: skip


def _shown(client, slip_id):
    page = client.get(f"/staff/slips/{slip_id}").get_data(as_text=True)
    return re.search(r'name="shown" value="([^"]*)"', page)[1]


def _reissued(client, slip):
    answer = client.post(
        f"/staff/slips/{slip.slip_id}/reissue",
        data={"reason": "紛失", "shown": _shown(client, slip.slip_id)},
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return int(answer.headers["Location"].rpartition("/")[2])


@pytest.mark.parametrize("which", ["slip_no", "el_number"])
def test_a_number_leads_to_the_slip(clerk, slip, which):
    answer = clerk.post("/staff/slips/find", data={"number": getattr(slip, which)})
    assert answer.headers["Location"] == f"/staff/slips/{slip.slip_id}"
    assert clerk.get(answer.headers["Location"]).status_code == 200


def test_a_number_of_no_slip_keeps_what_was_typed(clerk):
    for number in ("12345", "9" * 34):
        answer = clerk.post("/staff/slips/find", data={"number": number})
        assert answer.status_code == 404
        assert f'value="{number}"' in answer.get_data(as_text=True)


def test_a_scanned_barcode_is_compared_with_the_books(clerk, slip, city):
    page = clerk.post("/staff/slips/find", data={"number": slip.konbini_barcode})
    assert "帳簿と一致しています" in page.get_data(as_text=True)
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text("UPDATE slip SET konbini_barcode = :other WHERE slip_id = :slip_id"),
            {"slip_id": slip.slip_id, "other": _with_amount(slip.konbini_barcode, 1)},
        )
    page = clerk.post("/staff/slips/find", data={"number": slip.konbini_barcode})
    told = page.get_data(as_text=True)
    assert "帳簿と異なります" in told
    assert f'<td class="mono">{slip.amount_yen}</td><td class="mono">1</td>' in told


def _with_amount(barcode, yen):
    body = f"{barcode[:37]}{yen:06d}"
    return f"{body}{konbini_check_digit(body)}"


def test_who_saw_a_picture_of_a_slip_is_recorded(clerk, slip, city):
    assert clerk.get(f"/staff/slips/{slip.slip_id}/slip.png").status_code == 200
    found = _rows(city, "SELECT subject FROM staff_event WHERE event = 'slip_seen'")
    assert [row.subject for row in found] == [f"slip:{slip.slip_id}"]


def test_a_picture_of_a_slip_says_what_it_is(clerk, slip):
    picture = clerk.get(f"/staff/slips/{slip.slip_id}/slip.png")
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    page = clerk.post(
        "/staff/slips/read", data={"paper": (io.BytesIO(picture.get_data()), "paper.png")}
    )
    told = page.get_data(as_text=True)
    assert slip.slip_no in told
    assert "帳簿と一致しています" in told


def test_a_slip_that_must_not_be_printed_has_no_picture(clerk, slip, city):
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text("UPDATE slip SET amount_yen = 1 WHERE slip_id = :slip_id"),
            {"slip_id": slip.slip_id},
        )
    answer = clerk.get(f"/staff/slips/{slip.slip_id}/slip.png")
    assert answer.status_code == 404
    assert "画像は作れません" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "", "選ばれていません"),
        (b"no picture at all", "a.png", "a.png"),
        (b"", "b.pdf", "b.pdf"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence(clerk, content, name, said):
    answer = clerk.post("/staff/slips/read", data={"paper": (io.BytesIO(content), name)})
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_a_reissue_is_shown_before_and_stands_after(clerk, slip, city):
    before = clerk.get(f"/staff/slips/{slip.slip_id}").get_data(as_text=True)
    assert re.search("新しい番号の第[0-9]版を出します", before)
    preview = clerk.get(f"/staff/slips/{slip.slip_id}/preview.png")
    assert preview.mimetype == "image/png"
    assert _rows(city, "SELECT 1 FROM slip_event") == []  # a preview changes nothing
    new = _reissued(clerk, slip)
    page = clerk.get(f"/staff/slips/{new}").get_data(as_text=True)
    assert "紛失" in page
    old = clerk.get(f"/staff/slips/{slip.slip_id}").get_data(as_text=True)
    assert "再発行済（差替え）" in old
    found = _rows(city, "SELECT actor, reason FROM slip_event WHERE kind = 'reissued'")
    assert [tuple(row) for row in found] == [("nofu", "紛失")]


def test_a_form_that_is_stale_or_without_a_reason_changes_nothing(clerk, slip, city):
    shown = _shown(clerk, slip.slip_id)
    no_reason = clerk.post(
        f"/staff/slips/{slip.slip_id}/reissue", data={"reason": " ", "shown": shown}
    )
    assert no_reason.status_code == 422
    new = _reissued(clerk, slip)
    for deed in ("reissue", "revoke"):
        late = clerk.post(
            f"/staff/slips/{slip.slip_id}/{deed}", data={"reason": "二度目", "shown": shown}
        )
        assert late.status_code == 409
        assert "画面を開いたあとに" in late.get_data(as_text=True)
        # The form has gone; what was typed into it has not.
        assert '<dt>入力していた理由</dt><dd class="breakable">二度目</dd>' in late.text
    assert len(_rows(city, "SELECT 1 FROM slip_event WHERE kind = 'reissued'")) == 1
    gone = clerk.post(
        f"/staff/slips/{new}/revoke", data={"reason": "誤り", "shown": _shown(clerk, new)}
    )
    assert gone.status_code == 303
    assert "失効" in clerk.get(f"/staff/slips/{new}").get_data(as_text=True)


def test_one_slip_is_printed_read_back_and_handed_over(clerk, slip, city):
    new = _reissued(clerk, slip)
    early = clerk.get(f"/staff/slips/{new}/slip.pdf")
    assert early.status_code == 404
    done = clerk.post(f"/staff/slips/{new}/print")
    assert done.status_code == 303, done.get_data(as_text=True)
    page = clerk.get(f"/staff/slips/{new}").get_data(as_text=True)
    assert "納付書情報）の受付がまだです" in page
    paper = clerk.get(f"/staff/slips/{new}/slip.pdf")
    assert paper.get_data().startswith(b"%PDF")
    events = {row.event for row in _rows(city, "SELECT event FROM staff_event")}
    assert {"slip_reissued", "slip_printed", "slip_handed_over", "slip_shown"} <= events
    # The run of one slip is a run like any other.
    run_id = _rows(city, "SELECT run_id FROM print_run")[0][0]
    told = clerk.get(f"/staff/slips/runs/{run_id}").get_data(as_text=True)
    assert "台帳と一致することを確かめました" in told
    rows = clerk.get(f"/staff/slips/runs/{run_id}/manifest.csv").get_data().decode("utf-8-sig")
    assert [row["amount_yen"] for row in csv.DictReader(io.StringIO(rows))] == [
        str(slip.amount_yen)
    ]
    assert clerk.get(f"/staff/slips/runs/{run_id}/read-back.csv").status_code == 200
    refused = clerk.post(f"/staff/slips/runs/{run_id}/release", data={"reason": "発送"})
    assert refused.status_code == 409
    assert "共通納税に受け付けられていない" in refused.get_data(as_text=True)
    # A file that is no longer what was read back stays here.
    file = next((city.settings.home / printing.FOLDER).glob("*/slips-*.pdf"))
    file.write_bytes(file.read_bytes() + b" ")
    assert clerk.get(f"/staff/slips/{new}/slip.pdf").status_code == 409


def test_two_people_release_a_run(app, clerk, slip, city):
    new = _reissued(clerk, slip)
    clerk.post(f"/staff/slips/{new}/print")
    profile = sample_profile()
    with unit_of_work(city.engine, "99999") as connection:
        upload_id, lines = uploads.begin_upload(connection, profile)
        written = uploads.WrittenUpload(upload_id, "upload.csv", lines, 0, "0" * 64)
        uploads.record_upload(connection, "99999", written, actor="nofu", at=clock.now())
        uploads.record_answer(
            connection, "99999", upload_id, count=lines, amount_yen=None, actor="nofu",
            at=clock.now(),
        )  # fmt: skip
    run_id = _rows(city, "SELECT run_id FROM print_run")[0][0]
    no_reason = clerk.post(f"/staff/slips/runs/{run_id}/release", data={"reason": ""})
    assert no_reason.status_code == 422
    asked = clerk.post(f"/staff/slips/runs/{run_id}/release", data={"reason": "窓口で交付"})
    assert asked.status_code == 303, asked.get_data(as_text=True)
    place = asked.headers["Location"]
    assert clerk.post(f"{place}/decision", data={"decision": "approved"}).status_code == 403
    other = app.test_client()
    other.post("/staff/sign-in", data={"user_name": "shonin", "password": PASSWORD})
    agreed = other.post(f"{place}/decision", data={"decision": "approved"})
    assert agreed.status_code == 303, agreed.get_data(as_text=True)
    page = clerk.get(f"/staff/slips/runs/{run_id}").get_data(as_text=True)
    assert "引渡済" in page
    assert clerk.get(f"/staff/slips/{new}/slip.pdf").status_code == 200


def test_a_run_that_goes_on_says_how_far_it_is(clerk, city):
    with unit_of_work(city.engine, "99999") as connection:
        run_id = print_runs.plan_run(
            connection, sample_profile(), print_runs.Selection(again=True),
            plan_for(connection, "99999", city.settings.home / "out", Wish(pages_per_file=50)),
            actor="nofu", at=clock.now(), on=city.day,
        )  # fmt: skip
    page = clerk.get(f"/staff/slips/runs/{run_id}").get_data(as_text=True)
    assert "<progress" in page
    assert "slips.js" in page
    assert "引渡しを依頼する" not in page
    assert clerk.get("/staff/slips/runs").get_data(as_text=True).count("計画済") == 1


def test_pace_and_rest_are_worked_out_from_what_is_finished():
    at = datetime(2026, 6, 1, 3, tzinfo=UTC)
    section = Section("standard-1-0123456789ab", 1_000)
    run = PrintRun(
        1, at, "nofu", {}, 1_000, 100, "full", True, (section,), "out", "printing", 1_000, None, "",
    )  # fmt: skip
    file = RunFile(1, "slips-0001.pdf", 100, 1, "", 1, 100, 0)
    found = progress_of(run, [file], at + timedelta(minutes=2))
    assert (found.pages, found.files, found.per_minute, found.minutes_left) == (100, 10, 50, 18)
    assert progress_of(run, [], at).minutes_left is None


def test_who_looks_on_cannot_act(auditor, treasurer, slip):
    for client in (auditor, treasurer):
        assert client.get(f"/staff/slips/{slip.slip_id}").status_code == 200
        assert client.get("/staff/slips/runs").status_code == 200
        assert client.get(f"/staff/slips/{slip.slip_id}/slip.pdf").status_code == 403
        for deed in ("reissue", "revoke", "print"):
            answer = client.post(f"/staff/slips/{slip.slip_id}/{deed}", data={"reason": "x"})
            assert answer.status_code == 403
    page = auditor.get(f"/staff/slips/{slip.slip_id}").get_data(as_text=True)
    assert "再発行する" not in page
