from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from payments import approve
from payments.domain.errors import InvalidValueError
from payments.domain.profile import Characters, SlipForm
from payments.print_runs import Selection, discard, plan_totals, run_of
from payments.release import KIND, subject_of
from payments.store.bulk import take_numbers
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from qr.layout.shipped import slip_layout
from web import clock
from web.commands.setup import sample_profile
from web.printing import run as printing
from web.printing import workers
from web.printing.folder import MARK, REPORT_HTML, REPORT_JSON, sha256_of
from web.printing.release import folder_findings, release_check, unread_files
from web.printing.report import rewrite_report
from web.printing.status import status_of

KILLED = -9
NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
RUN = "web.printing.run"
# Where a process is killed, which call, and whether before or after it. Twelve slips, three files.
PLACES = {
    "planned, folder not claimed": ("web.printing.folder:RunFolder.claim", 1, "before"),
    "numbered in part": ("payments.print_plan:change_run", 3, "before"),
    "file without its name": ("web.printing.folder:os.fsync", 4, "before"),
    "file not recorded": (f"{RUN}:_record", 2, "before"),
    "file recorded": (f"{RUN}:_record", 2, "after"),
    "all files recorded": ("payments.print_runs:finish", 1, "before"),
    "finished without papers": (f"{RUN}:write_papers", 1, "before"),
    "manifest without report": ("web.printing.report:write_report", 1, "before"),
}


def issued(hamlet):
    """Every slip of the books that a run has numbered, with the page it is on."""
    return hamlet.rows(
        "SELECT p.seq, s.slip_no, s.el_number, p.file_no, p.page_no FROM print_run_slip p "
        "JOIN slip s ON s.municipality_code = p.municipality_code AND s.slip_id = p.slip_id "
        "WHERE p.municipality_code = '99999' ORDER BY p.seq"
    )


def kill_and_go_on(hamlet, out, place, *words):
    where, call, when = PLACES[place]
    with hamlet.child(
        where, call, when, "die", "slips", "issue", "--out", out, *hamlet.usual, *words
    ) as child:
        _, said = child.communicate()
    assert child.returncode == KILLED, said.decode()
    before = {row.seq: row.slip_no for row in issued(hamlet)}
    recorded = hamlet.rows("SELECT name, sha256 FROM print_run_file")
    kept = {name: (out / name).stat().st_mtime_ns for name, _ in recorded}
    answer = hamlet.issue(out)
    assert answer.exit_code == 0, answer.output
    assert "印刷 1 " in answer.output  # the same run, not a second one
    now = issued(hamlet)
    assert {
        seq: number for seq, number in ((r.seq, r.slip_no) for r in now) if seq in before
    } == before
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    assert len(now) == len({row.slip_no for row in now}) == 12
    manifest = hamlet.manifest(out)
    assert [row["slip_no"] for row in manifest] == [row.slip_no for row in now]
    assert [(r["file"], r["page"]) for r in manifest] == [
        (f"slips-{file:04d}.pdf", str(page)) for file in (1, 2, 3) for page in (1, 2, 3, 4)
    ]
    assert {row["file_sha256"] for row in manifest} == {
        sha256_of(path) for path in out.glob("slips-*.pdf")
    }
    assert not list(out.glob("*.unfinished"))
    assert (hamlet.rows("SELECT COUNT(*) FROM slip")[0][0]) == 12
    assert release_check(hamlet.engine, "99999", 1, out) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_run_goes_on_where_it_was(hamlet, tmp_path, place):
    kill_and_go_on(hamlet, tmp_path / "out", place)


@pytest.mark.postgres
@pytest.mark.parametrize("place", ["numbered in part", "file recorded"])
def test_a_killed_run_goes_on_on_postgresql(postgres_hamlet, tmp_path, place):
    kill_and_go_on(postgres_hamlet, tmp_path / "out", place)


def test_a_killed_run_of_two_workers_goes_on(hamlet, tmp_path):
    kill_and_go_on(hamlet, tmp_path / "out", "file recorded", "--workers", 2)


def test_any_number_of_workers_prints_the_same_bytes(any_hamlet, tmp_path):
    answer = any_hamlet.issue(tmp_path / "one")
    assert answer.exit_code == 0, answer.output
    again = any_hamlet.run(
        "slips", "issue", "--again", 1, "--out", tmp_path / "two", "--workers", 2
    )
    assert again.exit_code == 0, again.output
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {
        "slips-0001.pdf", "slips-0002.pdf", "slips-0003.pdf", "manifest.csv", "read-back.csv",
        "report.html", "report.json", MARK,
    }  # fmt: skip
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_pages_are_in_the_order_of_the_post(hamlet, tmp_path):
    assert hamlet.issue(tmp_path / "out", "--limit", 40).exit_code == 0
    codes = [row["postal_code"] for row in hamlet.manifest(tmp_path / "out")]
    assert codes == sorted(codes)
    assert len(set(codes)) > 3
    again = hamlet.issue(tmp_path / "notices", "--order", "notice", "--printed-too")
    assert again.exit_code == 0, again.output
    order = [
        (row["item_code"], row["notice_no"], row["term"])
        for row in hamlet.manifest(tmp_path / "notices")
    ]
    assert order == sorted(order)


def test_a_dry_run_counts_and_writes_nothing(any_hamlet, tmp_path):
    answer = any_hamlet.issue(tmp_path / "out", "--dry-run", "--json")
    totals = json.loads(answer.stdout)
    assert sum(total["slips"] for total in totals) == 12
    assert all(total["amount_yen"] > 0 for total in totals)
    assert not (tmp_path / "out").exists()
    assert any_hamlet.rows("SELECT COUNT(*) FROM print_run")[0][0] == 0
    assert "計 12枚" in any_hamlet.issue(tmp_path / "out", "--dry-run").stdout


def test_a_dry_run_of_nothing_says_so_as_the_run_itself_would(hamlet, tmp_path):
    for words in ((), ("--dry-run",), ("--dry-run", "--json")):
        answer = hamlet.issue(tmp_path / "out", "--notice", "nothing", *words)
        assert (answer.exit_code, answer.stdout) == (1, "")
        assert "（slips_none）" in answer.stderr


def test_a_run_that_goes_on_is_not_asked_for_something_else(hamlet, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        stop_at_second_file(patch, OSError(errno.EIO, "Input/output error"))
        assert hamlet.issue(out).exit_code == 1
    for option, asked, planned in (
        ("--pages-per-file", 5, "4"),
        ("--read-back", "full", "0"),
        ("--layout", "window", "standard"),
    ):
        for answer in (
            hamlet.issue(out, option, asked),
            hamlet.run("slips", "issue", "--resume", 1, option, asked),
        ):
            assert answer.exit_code == 1
            assert "（print_plan_other）" in answer.stderr
            assert f"{option} {planned}" in answer.stderr
    same = ("--pages-per-file", 4, "--read-back", 0, "--layout", "standard", "--workers", 1)
    assert hamlet.run("slips", "issue", "--resume", 1, *same).exit_code == 0
    again = ("--again", 1, "--out", tmp_path / "again", "--pages-per-file", 5)
    assert "（print_plan_other）" in hamlet.run("slips", "issue", *again).stderr


def test_slips_that_expired_while_a_run_rested_are_printed_only_when_asked_for(
    any_hamlet, tmp_path, monkeypatch
):
    hamlet = any_hamlet
    with monkeypatch.context() as patch:
        stop_at_second_file(patch, OSError(errno.EIO, "Input/output error"))
        assert hamlet.issue(tmp_path / "out").exit_code == 1
    later = NOW.replace(year=NOW.year + 2)
    monkeypatch.setattr(clock, "now", lambda: later)
    refused = hamlet.run("slips", "issue", "--resume", 1, "--workers", 1)
    assert refused.exit_code == 1
    assert "（print_run_expired）" in refused.stderr
    assert "8枚" in refused.stderr  # the four pages of the first file are there
    assert not (tmp_path / "out" / "slips-0002.pdf").exists()
    answer = hamlet.run("slips", "issue", "--resume", 1, "--workers", 1, "--expired-too")
    assert answer.exit_code == 0, answer.output
    assert len(hamlet.manifest(tmp_path / "out")) == 12


def test_a_second_process_is_told_that_the_run_is_at_work(hamlet, tmp_path):
    out = tmp_path / "out"
    with hamlet.child(
        f"{RUN}:_record", 1, "before", "wait", "slips", "issue", "--out", out, *hamlet.usual
    ) as first:
        assert first.stdout.readline() == b"waiting\n"
        same = hamlet.issue(out)
        resumed = hamlet.run("slips", "issue", "--resume", 1, "--out", tmp_path / "other")
        first.communicate(b"go on")
    assert first.returncode == 0
    for answer in (same, resumed):
        assert answer.exit_code == 1
        assert "（print_folder_busy）" in answer.stderr
    assert not (tmp_path / "other").exists()
    assert len(hamlet.manifest(out)) == 12


def test_slips_of_an_unfinished_run_are_not_printed_by_another(hamlet, tmp_path, monkeypatch):
    stop_at_second_file(monkeypatch, OSError(errno.EIO, "Input/output error"))
    assert hamlet.issue(tmp_path / "out", "--limit", 1_000).exit_code == 1
    other = hamlet.issue(tmp_path / "elsewhere")
    assert other.exit_code == 1
    assert "--resume 1" in other.stderr
    assert str(tmp_path / "out") in other.stderr
    changed = hamlet.issue(tmp_path / "out", "--item", "901")
    assert "（print_folder_other）" in changed.stderr


def stop_at_second_file(monkeypatch, error):
    original, calls = workers.whole_file, []

    def whole_file(path):
        calls.append(path)
        if len(calls) == 2:
            raise error
        return original(path)

    monkeypatch.setattr(workers, "whole_file", whole_file)


def test_what_the_kernel_says_of_a_full_disk_is_understood(hamlet, tmp_path, monkeypatch):
    out = tmp_path / "out"
    original = workers.draw_slips

    def draw(*args):
        # The second file will be written to a device that is always full.
        if not (out / "slips-0001.pdf").exists():
            (out / f"slips-0002.pdf.{os.getpid()}.unfinished").symlink_to("/dev/full")
        return original(*args)

    monkeypatch.setattr(workers, "draw_slips", draw)
    answer = hamlet.issue(out)
    assert answer.exit_code == 1
    assert "（disk_full）" in answer.stderr
    assert "slips-0002.pdf" in answer.stderr
    assert sorted(path.name for path in out.iterdir()) == [MARK, "slips-0001.pdf"]


def test_a_full_disk_stops_the_run_and_it_goes_on(hamlet, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        stop_at_second_file(patch, OSError(errno.ENOSPC, "No space left on device"))
        answer = hamlet.issue(out)
    assert answer.exit_code == 1
    assert "（disk_full）" in answer.stderr
    assert "slips-0002.pdf" in answer.stderr
    assert f"--resume 1 --out {out}" in answer.stderr
    assert sorted(path.name for path in out.iterdir()) == [MARK, "slips-0001.pdf"]
    assert hamlet.issue(out).exit_code == 0
    assert len(hamlet.manifest(out)) == 12


def test_a_disk_that_is_too_small_is_seen_before_printing(hamlet, tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "free_bytes", lambda _path: 10_000)
    answer = hamlet.issue(tmp_path / "out")
    assert answer.exit_code == 1
    assert "（disk_full）" in answer.stderr
    assert "10,000" in answer.stderr
    assert hamlet.rows("SELECT COUNT(*) FROM slip")[0][0] == 0


def test_a_character_that_the_font_lacks_holds_back_no_other_slip(any_hamlet, tmp_path):
    hamlet = any_hamlet
    out = tmp_path / "out"
    first = hamlet.rows("SELECT obligor_no FROM obligor ORDER BY postal_code, obligor_no")[0][0]
    with unit_of_work(hamlet.engine, "99999") as connection:
        # 外字: a character of somebody's own, in the register and in no font.
        connection.execute(
            text(
                "UPDATE obligor SET name = :name "
                "WHERE municipality_code = '99999' AND obligor_no = :no"
            ),
            {"name": "外\ue000字 一郎", "no": first},
        )
    answer = hamlet.issue(out, "--json")
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert {refused["code"] for refused in found["refused"]} == {"slip_glyph_missing"}
    assert found["pages"] == 12 - len(found["refused"]) == len(hamlet.manifest(out))
    listed = hamlet.differences(out)
    assert {row["page"] for row in listed} == {""}
    assert {row["slip_no"] for row in listed} == {
        refused["slip_no"] for refused in found["refused"]
    }
    assert release_check(hamlet.engine, "99999", 1, out) == []
    report = (out / REPORT_HTML).read_text("utf-8")
    assert "印字用の文字がありません" in report
    assert listed[0]["slip_no"] in report


def test_a_body_may_have_such_a_character_replaced_and_the_report_says_so(any_hamlet, tmp_path):
    hamlet = any_hamlet
    out = tmp_path / "out"
    first = hamlet.rows("SELECT obligor_no FROM obligor ORDER BY postal_code, obligor_no")[0][0]
    with unit_of_work(hamlet.engine, "99999") as connection:
        connection.execute(
            text(
                "UPDATE obligor SET name = :n WHERE municipality_code = '99999' AND obligor_no = :o"
            ),
            {"n": "外\ue000葛\U000e01ef\U00030000", "o": first},
        )
        profile = load_profile(connection, "99999")
        decided = Characters(fallback=True, decided=("\U00030000=口",))
        save_profile(connection, replace(profile, characters=decided))
    answer = hamlet.issue(out, "--json")
    assert answer.exit_code == 0, answer.output
    assert len(hamlet.manifest(out)) == 12
    assert release_check(hamlet.engine, "99999", 1, out) == []
    said = json.loads((out / REPORT_JSON).read_text("utf-8"))["replaced"]
    assert {(one["character"], one["shown"]) for one in said} == {
        ("U+E000", "〓"), ("U+845B U+E01EF", "葛"), ("U+30000", "口"),
    }  # fmt: skip
    assert {one["field"] for one in said} == {"obligor_name"}
    assert "置き換えて印字した文字" in (out / REPORT_HTML).read_text("utf-8")


def test_one_altered_digit_stops_the_run_and_names_its_place(any_hamlet, tmp_path, monkeypatch):
    original = workers.draw_slips

    def draw(pages, *others):
        pages = list(pages)
        if pages[0].slip_no == wrong[0]:
            altered = pages[2].notice_no[:-1] + ("1" if pages[2].notice_no[-1] != "1" else "2")
            pages[2] = replace(pages[2], notice_no=altered)
        return original(pages, *others)

    wrong = [""]
    counted = workers.slips_of_file

    def slips_of_file(connection, code, run_id, file_no):
        slips = counted(connection, code, run_id, file_no)
        if file_no == 2:
            wrong[0] = slips[0].slip_no
        return slips

    monkeypatch.setattr(workers, "draw_slips", draw)
    monkeypatch.setattr(workers, "slips_of_file", slips_of_file)
    answer = any_hamlet.issue(tmp_path / "out", "--json")
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert found["state"] == "stopped"
    places = {(d["file_no"], d["page"], d["field"]) for d in found["differences"]}
    assert places == {(2, 3, "notice_no")}
    rows = any_hamlet.differences(tmp_path / "out")
    assert {(row["file"], row["page"], row["field"]) for row in rows} == {
        ("slips-0002.pdf", "3", "notice_no")
    }
    assert "引き渡せません" in (tmp_path / "out" / REPORT_HTML).read_text("utf-8")


def test_a_file_that_was_touched_after_printing_is_not_released(hamlet, tmp_path):
    out = tmp_path / "out"
    assert hamlet.issue(out).exit_code == 0
    data = bytearray((out / "slips-0002.pdf").read_bytes())
    data[len(data) // 2] ^= 1
    (out / "slips-0002.pdf").write_bytes(data)
    (out / "slips-0001.pdf").unlink()
    (out / "slips-0009.pdf").write_bytes(b"%PDF of somebody else")
    with (out / "manifest.csv").open("a", encoding="utf-8") as manifest:
        manifest.write("one more\r\n")
    found = release_check(hamlet.engine, "99999", 1, out)
    assert [(finding.code, finding.file) for finding in found] == [
        ("print_file_missing", "slips-0001.pdf"),
        ("print_file_altered", "slips-0002.pdf"),
        ("print_file_extra", "slips-0009.pdf"),
        ("print_manifest_differs", "manifest.csv"),
    ]
    (out / "slips-0009.pdf").unlink()
    assert hamlet.run("slips", "issue", "--again", 1, "--workers", 1).exit_code == 0
    assert release_check(hamlet.engine, "99999", 1, out) == []


def test_a_file_that_would_come_out_differently_is_not_made_again(hamlet, tmp_path):
    assert hamlet.issue(tmp_path / "out").exit_code == 0
    with unit_of_work(hamlet.engine, "99999") as connection:
        connection.execute(
            text("UPDATE obligor SET name = '改姓 花子' WHERE municipality_code = '99999'")
        )
    answer = hamlet.run("slips", "issue", "--again", 1, "--out", tmp_path / "again", "--workers", 1)
    assert answer.exit_code == 1
    assert "（print_file_changed）" in answer.stderr
    assert [path.name for path in (tmp_path / "again").iterdir()] == [MARK]


def test_what_is_done_is_not_done_twice_by_mistake(hamlet, tmp_path):
    out = tmp_path / "out"
    assert hamlet.issue(out).exit_code == 0
    assert "（print_folder_done）" in hamlet.issue(out).stderr
    assert "（print_run_ended）" in hamlet.run("slips", "issue", "--resume", 1).stderr
    assert "（print_choice）" in hamlet.issue(out, "--again", 1).stderr
    assert "（print_run）" in hamlet.run("slips", "issue", "--resume", 9).stderr
    assert "（print_out_missing）" in hamlet.run("slips", "issue").stderr
    assert "（read_back）" in hamlet.issue(tmp_path / "x", "--read-back", "some").stderr
    assert "（slips_none）" in hamlet.issue(tmp_path / "x", "--notice", "nothing").stderr
    assert not (tmp_path / "x").exists()


def test_an_unfinished_run_is_not_drawn_again_but_resumed(hamlet, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at_second_file(patch, OSError(errno.EIO, "Input/output error"))
        answer = hamlet.issue(tmp_path / "out")
    assert "（output_unwritable）" in answer.stderr
    again = hamlet.run("slips", "issue", "--again", 1)
    assert "（print_run_going_on）" in again.stderr
    with reading(hamlet.engine, "99999") as connection:
        state = connection.execute(text("SELECT state FROM print_run")).scalar_one()
    assert state == "printing"
    other = hamlet.issue(tmp_path / "other")
    assert other.exit_code == 0, other.output
    assert "途中の印刷 1 の 12枚" in other.stderr
    resumed = hamlet.run("slips", "issue", "--resume", 1, "--workers", 1)
    assert resumed.exit_code == 0, resumed.output


def test_progress_is_told_in_lines_where_nobody_looks_on(hamlet, tmp_path):
    answer = hamlet.issue(tmp_path / "out", "--verbose")
    assert "採番 12/12" in answer.stderr
    assert "印刷と読み戻し 12/12" in answer.stderr
    assert "残り 0:00:00" in answer.stderr
    assert hamlet.issue(tmp_path / "quiet").stderr == ""


def test_the_report_says_who_asked_and_who_approved(any_hamlet, tmp_path):
    hamlet, out = any_hamlet, tmp_path / "out"
    assert hamlet.issue(out).exit_code == 0
    report = (out / REPORT_HTML).read_text("utf-8")
    assert "未受付 12枚" in report
    with unit_of_work(hamlet.engine, "99999") as connection:
        asked = approve.ask(
            connection, "99999", KIND, subject_of(1), {"run_id": 1}, asked_by="kazei", at=NOW, reason="発送"
        )  # fmt: skip
        approve.decide(
            connection, "99999", asked.approval_id, "approved", decided_by="kaikei", at=NOW
        )
    rewrite_report(hamlet.engine, "99999", 1)
    report = (out / REPORT_HTML).read_text("utf-8")
    assert "承認済: 依頼 kazei（2026-06-01 12:00）、決定 kaikei（2026-06-01 12:00）" in report
    found = json.loads((out / "report.json").read_text("utf-8"))
    assert [(a["asked_by"], a["decided_by"]) for a in found["approvals"]] == [("kazei", "kaikei")]
    assert release_check(hamlet.engine, "99999", 1, out) == []
    (out / REPORT_HTML).unlink()
    rewrite_report(hamlet.engine, "99999", 1)  # Where the papers are gone nothing is written.
    assert not (out / REPORT_HTML).exists()


def keep(hamlet, layouts, own=""):
    """The profile as stored, with these layouts by item and a layout of its own."""
    profile = sample_profile()
    items = tuple(
        replace(item, layout=layouts.get(item.item_code, "standard")) for item in profile.items
    )
    forms = (SlipForm("ours.toml", own, {}),) if own else ()
    with unit_of_work(hamlet.engine, "99999") as connection:
        save_profile(connection, replace(profile, items=items, slip_layouts=forms))


def test_a_layout_of_the_municipality_is_used_and_must_stay_as_it_was(
    hamlet, tmp_path, monkeypatch
):
    own = slip_layout("standard").source.replace('name = "standard"', 'name = "ours"')
    keep(hamlet, {}, own)
    with monkeypatch.context() as patch:
        stop_at_second_file(patch, OSError(errno.EIO, "Input/output error"))
        assert hamlet.issue(tmp_path / "out", "--layout", "ours").exit_code == 1
    ((planned,),) = hamlet.rows("SELECT sections_json FROM print_run")
    ((layout, slips),) = json.loads(planned)
    assert (layout.startswith("ours-2-"), slips) == (True, 12)
    keep(hamlet, {}, own + "# changed\n")
    answer = hamlet.issue(tmp_path / "out", "--layout", "ours")
    assert answer.exit_code == 1
    assert "（print_layout_changed）" in answer.stderr
    keep(hamlet, {})
    assert "（slip_layout_name）" in hamlet.issue(tmp_path / "out", "--layout", "ours").stderr
    assert "（slip_layout_name）" in hamlet.issue(tmp_path / "x", "--layout", "theirs").stderr
    keep(hamlet, {}, own)
    answer = hamlet.issue(tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    keep(hamlet, {}, own + "# changed\n")
    again = hamlet.run("slips", "issue", "--again", 1, "--out", tmp_path / "again")
    assert "（print_layout_changed）" in again.stderr


def test_every_slip_has_the_layout_of_its_item(any_hamlet, tmp_path):
    hamlet, out = any_hamlet, tmp_path / "out"
    keep(hamlet, {"902": "window", "903": "vehicle"})
    answer = hamlet.issue(out, "--limit", 30, "--read-back", 1)
    assert answer.exit_code == 0, answer.output
    names = {"901": "standard", "902": "window", "903": "vehicle"}
    manifest = hamlet.manifest(out)
    assert {row["layout"].split("-")[0] for row in manifest} == {"standard", "window", "vehicle"}
    for row in manifest:
        assert row["layout"].startswith(f"{names.get(row['item_code'], 'standard')}-")
    of_file = {row["file"]: row["layout"] for row in manifest}
    assert len({(row["file"], row["layout"]) for row in manifest}) == len(of_file)
    found = json.loads((out / "report.json").read_text("utf-8"))
    assert {file["name"]: file["layout"] for file in found["files"]} == of_file
    assert {section["layout"] for section in found["run"]["sections"]} == set(of_file.values())
    report = (out / REPORT_HTML).read_text("utf-8")
    assert all(report.count(layout) >= 2 for layout in of_file.values())
    codes = [row["postal_code"] for row in manifest if row["layout"].startswith("standard")]
    assert codes == sorted(codes)
    again = hamlet.run("slips", "issue", "--again", 1, "--out", tmp_path / "again", "--workers", 1)
    assert again.exit_code == 0, again.output
    for name in of_file:
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_one_layout_for_the_whole_run(hamlet, tmp_path):
    keep(hamlet, {"903": "vehicle"})
    answer = hamlet.issue(tmp_path / "out", "--limit", 30, "--layout", "window")
    assert answer.exit_code == 0, answer.output
    layouts = {row["layout"] for row in hamlet.manifest(tmp_path / "out")}
    assert layouts == {slip_layout("window").reference}


def test_a_page_that_was_not_read_back_is_not_released(hamlet, tmp_path):
    assert hamlet.issue(tmp_path / "out").exit_code == 0
    with reading(hamlet.engine, "99999") as connection:
        status = status_of(connection, "99999", 1)
    files = (replace(status.files[0], raster_pages=1), replace(status.files[1], vector_pages=3))
    found = list(unread_files(replace(status, files=files)))
    assert [(finding.code, finding.file) for finding in found] == [
        ("print_file_unread", "slips-0001.pdf"),
        ("print_file_unread", "slips-0002.pdf"),
    ]
    assert (found[0].found, found[0].expected) == ("(4, 1)", "(4, 2)")


def test_an_order_that_nobody_knows_is_refused(hamlet):
    with reading(hamlet.engine, "99999") as connection, pytest.raises(InvalidValueError) as refused:
        plan_totals(connection, "99999", Selection(order="weight"), on=date(2026, 6, 1))
    assert refused.value.error_code == "slip_order"


def test_the_slips_of_a_discarded_run_are_printed_elsewhere_with_their_numbers(
    hamlet, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_at_second_file(patch, OSError(errno.EIO, "Input/output error"))
        assert hamlet.issue(tmp_path / "out").exit_code == 1
    before = [row.slip_no for row in issued(hamlet)]
    discarded = hamlet.run("slips", "run", "discard", 1, "--reason", "用紙の誤り")
    assert discarded.exit_code == 0, discarded.output
    assert "（print_folder_other）" in hamlet.issue(tmp_path / "out").stderr
    assert "（print_run_state）" in hamlet.run("slips", "issue", "--resume", 1).stderr
    answer = hamlet.issue(tmp_path / "new")
    assert answer.exit_code == 0, answer.output
    assert [row["slip_no"] for row in hamlet.manifest(tmp_path / "new")] == before
    assert hamlet.rows("SELECT COUNT(*) FROM slip")[0][0] == 12


def test_a_run_that_went_on_in_another_folder_is_released_from_there(any_hamlet, tmp_path):
    first, other = tmp_path / "first", tmp_path / "other"
    place = PLACES["file recorded"]
    words = ("slips", "issue", "--out", first, *any_hamlet.usual)
    with any_hamlet.child(*place, "die", *words) as child:
        child.communicate()
    shutil.rmtree(first)
    words = ("--resume", 1, "--out", other, "--workers", 1)
    assert any_hamlet.run("slips", "issue", *words).exit_code == 0
    with reading(any_hamlet.engine, "99999") as connection:
        folder = run_of(connection, "99999", 1).folder
    assert folder == str(other)
    assert release_check(any_hamlet.engine, "99999", 1, Path(folder)) == []


def test_files_drawn_again_elsewhere_are_a_copy(hamlet, tmp_path):
    assert hamlet.issue(tmp_path / "out").exit_code == 0
    words = ("--again", 1, "--out", tmp_path / "copy", "--workers", 1)
    assert hamlet.run("slips", "issue", *words).exit_code == 0
    with reading(hamlet.engine, "99999") as connection:
        assert run_of(connection, "99999", 1).folder == str(tmp_path / "out")


def test_a_run_that_is_discarded_while_it_prints_records_nothing_more(
    hamlet, tmp_path, monkeypatch
):
    record = printing._record

    def discarded(shop, run, result):
        if result.file.file_no == 2:
            with unit_of_work(hamlet.engine, "99999") as connection:
                discard(connection, "99999", 1, actor="abe", at=NOW, reason="紙が違う")
        record(shop, run, result)

    monkeypatch.setattr(printing, "_record", discarded)
    assert "（print_run_state）" in hamlet.issue(tmp_path / "out").stderr
    assert [row.file_no for row in hamlet.rows("SELECT file_no FROM print_run_file")] == [1]


def test_a_release_is_asked_for_on_the_connection_that_read_the_list(any_hamlet, tmp_path):
    assert any_hamlet.issue(tmp_path / "out").exit_code == 0
    with unit_of_work(any_hamlet.engine, "99999") as connection:
        assert list(folder_findings(connection, "99999", 1, tmp_path / "out")) == []
        assert take_numbers(connection, "99999", "approval", 1) == 1
