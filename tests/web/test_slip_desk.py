"""The counter, the hub and the post: from the first slip to the release by two people."""

from __future__ import annotations

import hashlib
import json

import pytest
from click.testing import CliRunner
from slip_town import SlipTown, register_line

from payments.store.municipalities import is_live
from web.accounts import staff
from web.app import create_app
from web.cli import main
from web.commands.session import Session
from web.config import Settings

PASSWORDS = {"abe": "the first password", "ito": "the second password", "ono": "an auditor's one"}
ROLES = {"abe": ("slips", "collection"), "ito": ("treasury",), "ono": ("auditor",)}


@pytest.fixture
def town(sqlite_url):
    made = SlipTown(sqlite_url)
    with made.write() as connection:
        for name, password in PASSWORDS.items():
            staff.add(
                connection, made.code, name, roles=ROLES[name], display_name="", password=password
            )
    made.notice(1, (1_000, 2_000))
    made.notice(2, (500,), grouped=False)
    yield made
    made.close()


@pytest.fixture
def run(sqlite_url, tmp_path):
    """Run a command; ``by`` signs with that person's password."""

    def invoke(*words, by="", code=0, input_=None):
        settings = Settings(
            home=tmp_path, database_url=sqlite_url, secret_key="x" * 40, municipality=""
        )
        answer = CliRunner().invoke(
            main, [str(word) for word in words], obj=Session(settings), input=input_,
            env={"KOKIN_PASSWORD": PASSWORDS[by] if by else None},
        )  # fmt: skip
        assert answer.exit_code == code, answer.output
        return answer

    return invoke


def _issue(run, folder, *words):
    run("slips", "issue", "--out", folder, "--workers", 1, *words)


def _slip_no(town, number, term):
    return town.slips()[number, term].slip_no


def test_a_slip_is_reissued_printed_and_shown(town, run, tmp_path):
    town.issue()
    old = _slip_no(town, 2, "01")
    new = json.loads(run("slips", "reissue", old, "--reason", "紛失", "--json").stdout)
    assert (new["version"], new["amount_yen"]) == (2, 500)
    assert "（slip_state）" in run("slips", "reissue", old, "--reason", "紛失", code=1).stderr
    _issue(run, tmp_path / "out", "--slip", new["slip_no"])
    shown = run("slips", "show", old).stdout
    for words in ("再発行済", "差替え", "再発行", "紛失", "ファイル 1 1ページ", "支払期限"):
        assert words in shown
    view = json.loads(run("slips", "show", _slip_no(town, 1, "00"), "--json").stdout)
    assert [term for _no, term, _yen in view["alternatives"]] == ["01", "02"]
    town.pay(2, 1, 500)
    assert "（slip_nothing_due）" in run("slips", "show", old).stdout
    assert "（slip）" in run("slips", "show", "S-0", code=1).stderr


def test_slips_are_corrected_and_revoked(town, run):
    town.issue()
    assert "ありません" in run("slips", "correct").stdout
    town.change(1, 1, 900)
    found = json.loads(run("slips", "correct", "--notice", "0000000001", "--json").stdout)
    assert found == {"replaced": 2, "cancelled": 0, "unusable": 0}
    town.change(1, 1, 800)
    assert "更正発行 2枚" in run("slips", "correct", "--reason", "更正決定").stdout
    slip_no = _slip_no(town, 2, "01")
    assert slip_no in run("slips", "revoke", slip_no, "--reason", "誤発行").stdout
    assert (2, "01") not in town.slips()


def test_the_hub_is_told_and_answers(town, run, tmp_path):
    assert "まだありません" in run("slips", "uploads").stdout
    out = tmp_path / "u1.csv"
    assert "（upload_none）" in run("slips", "upload-file", "--out", out, code=1).stderr
    assert not list(tmp_path.glob("u1*"))
    town.issue()
    upload = json.loads(run("slips", "upload-file", "--out", out, "--json").stdout)
    data = out.read_bytes()
    assert (upload["lines"], upload["state"]) == (4, "waiting")
    assert upload["sha256"] == hashlib.sha256(data).hexdigest()
    assert data.endswith(b"T,4,6500\r\n")
    assert "output_exists" in run("slips", "upload-file", "--out", out, code=1).stderr
    again = tmp_path / "again.csv"
    run("slips", "upload-file", "--out", again, "--again", 1)
    assert again.read_bytes() == data
    assert "受付に相違" in run("slips", "upload-accept", 1, "--count", 3, code=1).stdout
    accepted = run("slips", "upload-accept", 1, "--count", 4, "--amount", 6_500)
    assert "受付済" in accepted.stdout
    (listed,) = json.loads(run("slips", "uploads", "--json").stdout)
    assert (listed["accepted_count"], listed["state"]) == (4, "accepted")
    assert "u1.csv" in run("slips", "uploads").stdout


def test_an_upload_that_cannot_be_made_again_is_not_written(town, run, tmp_path):
    town.issue()
    run("slips", "upload-file", "--out", tmp_path / "u1.csv")
    town.run_sql("UPDATE slip SET amount_yen = 501 WHERE municipality_code = :m "
                 "AND amount_yen = 500")  # fmt: skip
    again = tmp_path / "again.csv"
    answer = run("slips", "upload-file", "--out", again, "--again", 1, code=1)
    assert "（upload_differs）" in answer.stderr
    assert not again.exists()


def test_two_people_release_a_run_that_is_right(town, run, tmp_path):
    folder = tmp_path / "out"
    _issue(run, folder)
    early = run("slips", "release", 1, "--user", "abe", by="abe", code=1)
    assert "（release_upload）" in early.stderr
    run("slips", "upload-file", "--out", tmp_path / "u1.csv")
    run("slips", "upload-accept", 1, "--count", 4)
    lost = run("slips", "reissue", _slip_no(town, 2, "01"), "--reason", "紛失", "--json")
    pulled = run("slips", "release", 1, "--user", "abe", by="abe").stdout
    assert "抜き取ってください" in pulled
    assert json.loads(lost.stdout)["slip_no"] not in pulled
    same = run("approvals", "approve", 1, "--user", "abe", by="abe", code=1)
    assert "（approval_same_person）" in same.stderr
    assert "承認待ち" in run("approvals", "list").stdout
    assert "承認済" in run("approvals", "approve", 1, "--user", "ito", by="ito").stdout
    assert "引渡済" in run("slips", "runs").stdout
    shown = json.loads(run("approvals", "show", 1, "--json").stdout)
    assert (shown["asked_by"], shown["decided_by"], shown["state"]) == ("abe", "ito", "approved")
    assert shown["content"]["pages"] == 4
    assert "決定: ito" in run("approvals", "show", 1).stdout


def test_a_release_is_decided_on_the_page(town, run, tmp_path, sqlite_url):
    folder = tmp_path / "out"
    _issue(run, folder)
    run("slips", "upload-file", "--out", tmp_path / "u1.csv")
    run("slips", "upload-accept", 1, "--count", 4)
    lost = _slip_no(town, 2, "01")
    run("slips", "revoke", lost, "--reason", "誤発行")
    run("slips", "release", 1, "--user", "abe", by="abe")
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, secret_key="x" * 40, municipality=town.code
    )
    client = create_app(settings, town.engine, TESTING=True, WTF_CSRF_ENABLED=False).test_client()
    client.post("/staff/sign-in", data={"user_name": "ito", "password": PASSWORDS["ito"]})
    page = client.get("/staff/approvals/1").get_data(as_text=True)
    for words in (
        "印刷 1 を引渡済とし",
        "slips-0001.pdf",
        "読み戻し",
        "4枚",
        "抜き取るページ",
        lost,
    ):
        assert words in page
    run("slips", "reissue", _slip_no(town, 1, "01"), "--reason", "紛失")
    assert "依頼のあとに内容が変わった" in client.get("/staff/approvals/1").get_data(as_text=True)
    path = "/staff/approvals/1/decision"
    assert client.post(path, data={"decision": "approved"}).status_code == 409
    assert client.post(path, data={"decision": "rejected", "note": "変更"}).status_code == 303
    run("slips", "release", 1, "--user", "abe", by="abe")
    assert (
        client.post("/staff/approvals/2/decision", data={"decision": "approved"}).status_code == 303
    )
    assert "引渡済" in run("slips", "runs").stdout
    assert "承認済" in (folder / "report.html").read_text("utf-8")


def test_what_has_changed_since_is_not_released(town, run, tmp_path):
    folder = tmp_path / "out"
    _issue(run, folder)
    run("slips", "upload-file", "--out", tmp_path / "u1.csv")
    run("slips", "upload-accept", 1, "--count", 4)
    run("slips", "release", 1, "--user", "abe", by="abe")
    run("slips", "revoke", _slip_no(town, 2, "01"), "--reason", "誤発行")
    stale = run("approvals", "approve", 1, "--user", "ito", by="ito", code=1)
    assert "（approval_stale）" in stale.stderr
    assert (
        "却下"
        in run("approvals", "reject", 1, "--user", "ito", "--reason", "変更", by="ito").stdout
    )
    run("slips", "release", 1, "--user", "abe", by="abe")
    pdf = next(folder.glob("*.pdf"))
    pdf.write_bytes(pdf.read_bytes() + b"\n")
    altered = run("approvals", "approve", 2, "--user", "ito", by="ito", code=1)
    assert "print_file_altered" in altered.stderr
    assert json.loads(run("approvals", "list", "--json").stdout)[0]["state"] == "waiting"
    run("approvals", "list", "--state", "rejected")


@pytest.mark.usefixtures("town")
def test_a_run_is_shown_and_discarded(run, tmp_path):
    assert "まだありません" in run("slips", "runs").stdout
    _issue(run, tmp_path / "out")
    shown = run("slips", "run", "show", 1).stdout
    assert "slips-0001.pdf" in shown
    run("slips", "run", "discard", 1, "--reason", "紙詰まり")
    assert "紙詰まり" in run("slips", "run", "show", 1).stdout
    shown = json.loads(run("slips", "run", "show", 1, "--json").stdout)
    assert (shown["state"], len(shown["files"])) == ("discarded", 1)
    assert json.loads(run("slips", "runs", "--json").stdout)[0]["run_id"] == 1
    assert "（print_run）" in run("slips", "run", "show", 9, code=1).stderr


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("user", "password", "code"),
    [("abe", "wrong", "sign_in"), ("nobody", "wrong", "sign_in"), ("ono", "", "forbidden_role")],
)
def test_only_staff_with_their_own_password_sign(run, user, password, code):
    answer = run(
        "municipality", "live", "--user", user, "--reason", "本番", code=1,
        input_=f"{password or PASSWORDS[user]}\n",
    )  # fmt: skip
    assert f"（{code}）" in answer.stderr


def test_a_municipality_goes_live_by_two_and_back_by_one(town, run):
    assert "見本" in run("municipality", "show").stdout
    run("municipality", "live", "--user", "abe", "--reason", "本番開始", by="abe")
    waiting = run("municipality", "live", "--user", "abe", "--reason", "本番開始", by="abe", code=1)
    assert "（approval_waiting）" in waiting.stderr
    run("approvals", "approve", 1, "--user", "ito", by="ito")
    with town.read() as connection:
        assert is_live(connection, town.code)
    assert json.loads(run("municipality", "show", "--json").stdout)["live"] is True
    assert "（reason_missing）" in run(
        "municipality", "sample", "--user", "abe", "--reason", " ", by="abe", code=1
    ).stderr  # fmt: skip
    run("municipality", "sample", "--user", "abe", "--reason", "様式の変更", by="abe")
    with town.read() as connection:
        assert not is_live(connection, town.code)
    assert "該当する承認はありません" in run("approvals", "list").stdout


def test_slips_of_a_register_go_out_without_the_hub(town, run, tmp_path):
    """They were handed in by the system that issued them."""
    assert town.register_slips([register_line(2, "01", 1, 500)])
    _issue(run, tmp_path / "out", "--notice", "0000000002")
    run("slips", "release", 1, "--user", "abe", by="abe")
    run("approvals", "approve", 1, "--user", "ito", by="ito")
    assert "引渡済" in run("slips", "runs").stdout
