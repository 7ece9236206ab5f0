from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.unit_of_work import reading
from reconcile.rules import RULES
from web.cli import main
from web.commands.session import Session
from web.explain import routes
from web.texts import explain as words


def _one(city, statement, **values):
    with reading(city.engine, "99999") as connection:
        return connection.execute(text(statement), values).first()


def _place(city, outcome):
    return _one(
        city,
        "SELECT o.file_id, o.line_no, f.name, f.sha256 FROM line_outcome o "
        "JOIN source_file f ON f.file_id = o.file_id WHERE o.outcome = :outcome "
        "ORDER BY o.file_id, o.line_no LIMIT 1",
        outcome=outcome,
    )


def _run(city, *words_):
    answer = CliRunner().invoke(main, ["explain", *words_], obj=Session(city.settings))
    return answer.exit_code, answer.output


def _looked(city):
    return _one(
        city,
        "SELECT actor, event, subject FROM staff_event WHERE event = 'explained' "
        "ORDER BY happened_at DESC LIMIT 1",
    )


# ---- pages ----


def test_a_page_tells_the_whole_story_and_who_read_it_is_recorded(auditor, city):
    found = _place(city, "duplicate")
    page = auditor.get(f"/staff/explain/lines/{found.file_id}/{found.line_no}")
    said = page.get_data(as_text=True)
    assert page.status_code == 200
    for heading in ("evidence", "decision", "tests", "bookings", "claim", "people", "later"):
        assert words.HEADINGS[heading] in said
    assert words.CONDITIONS["P06"] in said
    assert found.sha256 in said
    assert "<script" not in said.replace('<script src="/static/', "")  # no inline script
    assert "style=" not in said
    assert _looked(city) == ("kansa", "explained", f"line {found.file_id}:{found.line_no}")


def test_a_large_file_is_proven_when_somebody_asks(auditor, city, monkeypatch):
    found = _place(city, "duplicate")
    address = f"/staff/explain/lines/{found.file_id}/{found.line_no}"
    intact, ask = words.SENTENCES["proof_intact"], f'href="{address}?whole=1"'
    small = auditor.get(address).text
    assert (intact in small, ask in small) == (True, False)
    monkeypatch.setattr(routes, "AT_SIGHT_BYTES", 10)
    large = auditor.get(address).text
    assert "SHA-256による照合はまだしていません。" in large
    assert (intact in large, ask in large) == (False, True)
    whole = auditor.get(f"{address}?whole=1").text
    assert (intact in whole, ask in whole) == (True, False)


def test_every_case_of_the_city_can_be_explained(treasurer, city):
    with reading(city.engine, "99999") as connection:
        numbers = connection.execute(
            text("SELECT MIN(case_no) FROM review_case GROUP BY kind ORDER BY kind")
        ).scalars()
    for case_no in numbers:
        assert treasurer.get(f"/staff/explain/cases/{case_no}").status_code == 200


def test_a_number_leads_to_its_story_and_stands_in_no_address(treasurer, city):
    slip = _one(
        city,
        "SELECT slip_no, el_number, notice_id, term FROM slip WHERE el_number IS NOT NULL LIMIT 1",
    )
    for number in (slip.slip_no, slip.el_number):
        answer = treasurer.post("/staff/explain", data={"number": number})
        place = f"/staff/explain/notices/{slip.notice_id}/{slip.term}"
        assert (answer.status_code, answer.headers["Location"]) == (303, place)
    assert slip.slip_no in treasurer.get(place).get_data(as_text=True)
    whole = treasurer.get(f"/staff/explain/notices/{slip.notice_id}").get_data(as_text=True)
    assert slip.slip_no in whole
    found = _place(city, "matched")
    line = {"number": f"{found.name}:{found.line_no}"}
    answer = treasurer.post("/staff/explain", data=line)
    assert answer.headers["Location"] == f"/staff/explain/lines/{found.file_id}/{found.line_no}"


def test_what_is_not_there_is_said_in_words(treasurer):
    assert "番号" in treasurer.get("/staff/explain").get_data(as_text=True)
    answer = treasurer.post("/staff/explain", data={"number": "424242"})
    assert answer.status_code == 404
    assert "見つかりません" in answer.get_data(as_text=True)
    for path in ("lines/999/1", "notices/999", "cases/999999"):
        assert treasurer.get(f"/staff/explain/{path}").status_code == 404


# ---- commands ----


@pytest.fixture(params=["city", pytest.param("postgres_city", marks=pytest.mark.postgres)])
def either(request):
    """The small city on either kind of database."""
    return request.getfixturevalue(request.param)


def test_the_command_tells_the_story_of_a_line(either):
    found = _place(either, "short")
    code, said = _run(either, "line", found.name, str(found.line_no))
    assert code == 0
    assert "規則 P10「不足」" in said
    assert found.sha256 in said
    assert words.CONDITIONS["P10"] in said
    code, by_place = _run(either, f"{found.name}:{found.line_no}")
    assert (code, by_place) == (0, said)
    assert _looked(either).subject == f"line {found.file_id} {found.line_no}"


def test_the_command_speaks_json(either):
    found = _place(either, "settled")
    code, said = _run(either, "credit", f"{found.sha256[:12]}:{found.line_no}", "--json")
    assert code == 0
    told = json.loads(said)
    assert told["subject"]["kind"] == "credit"
    assert told["stories"][0]["decisions"][-1]["rule"] in {"B2", "B3"}
    matched = _place(either, "matched")
    code, said = _run(either, "receipt", f"{matched.name}:{matched.line_no}", "--json")
    assert (code, json.loads(said)["stories"][0]["decisions"][0]["agrees"]) == (0, True)


def test_the_command_explains_slips_cases_and_bare_numbers(either):
    slip_no = _one(
        either,
        "SELECT s.slip_no FROM receipt r JOIN slip s ON s.slip_id = r.slip_id "
        "ORDER BY r.file_id, r.line_no LIMIT 1",
    ).slip_no
    code, said = _run(either, "slip", slip_no)
    assert code == 0
    assert f"納付書 {slip_no}" in said
    assert _run(either, slip_no) == (0, said)
    code, said = _run(either, "case", "1")
    assert code == 0
    assert "確認事項 1" in said


@pytest.mark.parametrize(
    ("words_", "code"),
    [
        (("line", "nowhere.csv", "1"), "explain_file"),
        (("slip", "S0"), "slip"),
        (("receipt", "no-colon"), "explain_place"),
        (("case", "999999"), "case"),
        (("31415",), "explain_number"),
    ],
)
def test_what_is_unknown_ends_with_one(city, words_, code):
    exit_code, said = _run(city, *words_)
    assert exit_code == 1
    assert f"（{code}）" in said


def test_a_line_that_is_none_of_the_kind_asked_for_is_refused(city):
    bank, paid = _place(city, "settled"), _place(city, "matched")
    assert _run(city, "receipt", f"{bank.name}:{bank.line_no}")[0] == 1
    assert "（explain_credit）" in _run(city, "credit", f"{paid.name}:{paid.line_no}")[1]


def test_every_rule_is_put_into_words():
    from reconcile.explain.bank import ADVICE_RULES, STATEMENT_RULES  # noqa: PLC0415
    from reconcile.explain.rules import FACTS  # noqa: PLC0415

    bank = (*STATEMENT_RULES, *ADVICE_RULES)
    codes = {rule.code for rule in RULES} | {rule[0] for rule in bank}
    assert codes == words.CONDITIONS.keys()
    named = FACTS.keys() | {fact for rule in bank for fact in rule[4]}
    assert named - words.FACTS.keys() == set()
