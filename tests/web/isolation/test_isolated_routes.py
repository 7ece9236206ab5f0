"""R11, tried from outside: the people and keys of one body against the books of another.

Every route is enumerated. A new one that changes something fails here until it says in
:data:`FORMS` how it is tried; what its arguments name is in :mod:`two_bodies`.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from two_bodies import ASKED, OTHER, OWN, notification

from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts import sessions
from web.app import create_app
from web.config import Settings
from web.security import Access

PAGES = create_app(Settings(database_url="sqlite://", secret_key="s" * 32))
RULES = {rule.endpoint: rule for rule in PAGES.url_map.iter_rules() if rule.endpoint != "static"}
ACCESS = PAGES.extensions["kokin_access"]
# Arguments that name nothing of a body: any value may be asked for by everybody.
COMMON = {
    "day": "2026-06-01", "step": "collected", "month": "2026-06", "year": 2026, "form": "csv", "kind": "day_close",
    "subject": "2026-06-01", "line_no": 2, "term": "01", "notification_id": "only-in-the-city", "calculator": "late-charge", "job": "verify",
    "finding_no": 1, "file_no": 1, "report": "suspense", "listing": "suspense", "code": "99999", "passkey_id": "0" * 16, "item_code": "901",
    "token": OTHER + "0" * 64, "action": "withdraw", "slug": "lost-slip",
}  # fmt: skip
# What every route that changes something is sent. One that takes a form of its own says so here.
FORMS: dict[str, dict[str, str]] = {
    "enquiries.tell": {},
    "enquiries.tell_several": {"numbers": "1"},
    "enquiries.read_photo": {},
    "enquiries.open_code": {"code": "0000-0000-0000-0000-0000"},
    "entrance.check_sign_in": {},
    "residents.confirm": {},
    "residents.stop": {},
    "verifying.tell": {"code": OTHER + "0" * 25, "name": "試し"},
    "linking.decide": {"decision": "refuse", "note": "試し"},
    "linking.end_link": {},
    "own.ask_link": {},
    "own.ask_notices": {"mail": "a@example.jp", "kinds": "received"},
    "own.drop_link": {},
    "own.register_account": {"do": "register"},
    "own.sign_out": {},
    "own.stop_notices": {},
    "own.take_confirmation": {},
    "own.unlink": {},
    "notifications.notify": {},
    "certificates.show": {"obligor_no": "{obligor_no}"},
    "certificates.paper": {"obligor_no": "{obligor_no}"},
    "certificates.vehicles": {"year": "2026"},
    "certificates.ask_despite": {"reason": "試し"},
    "debits.make": {"debit_on": "2026-06-01"},
    "debits.answers": {},
    "debits.make_second": {"debit_on": "2026-06-02"},
    "debits.count": {},
    "refunds.count": {},
    "debits.change": {"reason": "試し", "count": "0", "amount_yen": "0"},
    "debits.take_file": {"reason": "試し"},
    "debits.ask_accounts": {"obligor_no": "{obligor_no}"},
    "debits.set_account": {
        "obligor_no": "{obligor_no}",
        "event": "ended",
        "from_on": "2026-06-01",
        "reason": "試し",
    },
    "charges.book": {},
    "charges.cancel_plan": {"reason": "試し"},
    "charges.plan": {"first_on": "2026-12-28", "count": "2", "reason": "試し"},
    "charges.take_up": {"reason": "試し"},
    "charges.waive": {"kind": "whole", "reason": "試し"},
    "charges.write_off": {
        "ground": "stop_at_once",
        "extinguished_on": "2026-06-01",
        "reason": "試し",
    },
    "dunning.extract": {"wait_days": "10", "minimum_yen": "1"},
    "dunning.ask_despite": {"reason": "試し"},
    "dunning.ask": {"reason": "試し"},
    "dunning.pull_now": {},
    "dunning.confirm": {"count": "0"},
    "dunning.dispatch": {"count": "0"},
    "dunning.drop": {"reason": "試し"},
    "dunning.recheck_person": {"number": "{obligor_no}", "kind": "person"},
    "accounts.sign_out": {},
    "accounts.change_password": {"password": "x"},
    "accounts.check_proof": {"password": "x"},
    "accounts.end_one": {},
    "accounts.end_others": {},
    "entrance.passkey_question": {"body": OWN},
    "entrance.passkey_sign_in": {"body": OWN, "answer": "{{}}"},
    "steps.check_passkey": {"answer": "{{}}"},
    "steps.check_second_factor": {"code": "000000"},
    "steps.question": {},
    "steps.set_password": {},
    "factors.confirm_authenticator": {"code": "000000"},
    "factors.make_recovery_codes": {},
    "factors.question": {},
    "factors.register_passkey": {"answer": "{{}}"},
    "factors.remove_authenticator": {},
    "factors.remove_passkey": {},
    "users.add": {"user_name": "atarashii", "display_name": "新しい人", "role": "auditor"},
    "users.change_roles": {"role": "auditor", "reason": "試し"},
    "users.disable": {},
    "users.drop_factors": {},
    "users.enable": {},
    "users.end_sessions": {},
    "users.policy": {"second_factor": "no"},
    "users.reset": {},
    "users.unlock": {},
    "refunds.classed": {"reason": "paid_twice"},
    "refunds.ask_appropriation": {"why": "試し"},
    "refunds.ask_refund": {"why": "試し"},
    "refunds.ask_interest": {"why": "試し"},
    "refunds.issue": {},
    "refunds.register": {"bank_code": "9998"},
    "refunds.ask_cancel": {"why": "試し"},
    "refunds.change_payee": {},
    "refunds.build": {"transfer_on": "2026-06-04"},
    "refunds.ask_release": {"why": "試し"},
    "refunds.ask_withdraw": {"why": "試し"},
    "refunds.take_file": {},
    "refunds.match": {},
    "refunds.pay": {"batch_no": "{batch_no}", "file_id": "{file_id}", "line_no": "2"},
    "refunds.take_back": {"refund_no": "{refund_no}", "file_id": "{file_id}", "line_no": "2"},
    "refunds.confirm": {},
    "refunds.revoke": {"why": "試し"},
    "days.ask": {"reason": "試し"},
    "days.decide": {"decision": "approved", "note": "試し"},
    "days.nil_report": {"source": "eltax"},
    "people.find": {"number": "{obligor_no}", "purpose": "audit"},
    "people.find_views": {"obligor_no": "{obligor_no}"},
    "slips.read": {},
    "slips.find": {"number": "{slip_no}"},
    "slips.reissue": {"reason": "試し"},
    "slips.revoke": {"reason": "試し"},
    "slips.print_one": {},
    "runs.release": {"reason": "試し"},
    "runs.plan": {"item_code": "901", "limit": "10", "do": "start"},
    "runs.discard": {"reason": "試し"},
    "holding.find": {"claim": "901/2026/{notice_no}"},
    "holding.set_one": {
        "claim": "901/2026/{notice_no}",
        "kind": "collection_hold",
        "from_on": "2026-06-01",
        "reason": "試し",
    },
    "holding.lift": {"reason": "試し"},
    "naming.find": {"name": "ヨソ"},
    "naming.forget": {"reason": "試し"},
    "cases.take": {},
    "cases.note": {"note": "試し"},
    "cases.close": {"note": "試し"},
    "cases.assign": {"owner": "kaikei"},
    "cases.deadline": {"due_on": "2046-06-01"},
    "cases.undo": {},
    "cases.narrow": {"kind": "duplicate"},
    "cases.keep_view": {"name": "試し"},
    "cases.forget_view": {},
    "cases.bulk_ask": {"deed": "note", "case": "{case_no}"},
    "cases.bulk_do": {"deed": "note", "note": "試し", "shown-1": "{case_no}"},
    "cases.bulk_undo": {"event": "{case_no}:1"},
    "search.find": {"number": "{slip_no}"},
    "approvals.decide": {"decision": "approved", "note": "試し"},
    "placements.work": {"do": "ask", "reason": "試し"},
    "placements.undo": {"reason": "試し"},
    "explain.find": {"number": "{slip_no}"},
    "arrivals.ask_rules": {"reason": "試し", "effective_on": "2026-07-01", "source": "eltax"},
    "arrivals.nil_report": {"agent": "eltax", "note": "試し"},
    "arrivals.withdraw_nil_report": {"agent": "eltax", "reason": "試し"},
    "arrivals.move": {"due_on": "2026-06-02", "reason": "試し"},
    "approvals.recall": {"note": "試し"},
    "files.receive": {"claim": ""},
    "files.again": {},
    "events.replay": {"name": "{subscriber}"},
    "events.replay_failed": {"name": "{subscriber}"},
    "admin.check": {"section": "items", "entry": "901", "do": "remove"},
    "admin.ask": {"profile": "{{}}", "effective_on": "2999-01-01", "reason": "試し"},
    "admin.proposed_slip": {"profile": "{{}}"},
    "admin.go_live": {"reason": "試し"},
    "admin.print_sample": {"reason": "試し"},
    "admin.add_key": {"key_id": "isolated-key", "operator": "試し"},
    "admin.rotate_key": {"overlap_days": "1"},
    "admin.disable_key": {},
    "jobs.run": {},
    "jobs.retry": {},
    "jobs.change": {
        "timing": "30 6 * * *",
        "days": "every_day",
        "catch_up": "once",
        "enabled": "yes",
    },
}


# Who asks: a treasurer, but an administrator for what is theirs alone.
PEOPLE = {
    **dict.fromkeys(("charges", "dunning", "dunning_files", "holding", "naming"), "shuno"),
    "events": "shunin",
    "logbook": "shunin",
    "users": "shunin",
    "slips": "nofu",
    "linking": "nofu",
    "runs": "nofu",
    **dict.fromkeys(("people.views", "people.find_views"), "kansa"),
    **dict.fromkeys(
        ("admin.keys", "admin.add_key", "admin.rotate_key", "admin.disable_key"), "shunin"
    ),
}
# Names of arguments that mean something else in one place.
ELSEWHERE = {"jobs.retry": {"run_id": "job_run_id"}}


@pytest.fixture(scope="module")
def app(bodies):
    """The service for both bodies, without what would count how often we try."""
    made = create_app(
        bodies.settings,
        bodies.engine,
        TESTING=True,
        WTF_CSRF_ENABLED=False,
        RATELIMIT_ENABLED=False,
    )
    yield made
    made.extensions["kokin"].close()


@pytest.fixture(scope="module")
def enter(app, bodies):
    """A client of somebody of the neighbour, in a session of its own: some routes end it."""

    def begun(name):
        client = app.test_client()
        with unit_of_work(bodies.engine, OWN) as connection:
            how = sessions.SignIn(("password",), (), "127.0.0.1", "test")
            token = sessions.begin(connection, OWN, name, how)
        with client.session_transaction() as cookie:
            cookie.update(token=token, body=OWN, body_name="", seen=clock.now().timestamp())
        return client

    return begun


def test_every_route_is_tried():
    changing = {
        name for name, rule in RULES.items() if (rule.methods or set()) & {"POST", "PUT", "DELETE"}
    }
    assert changing == FORMS.keys()
    named = {name for rule in RULES.values() for name in rule.arguments}
    assert named <= COMMON.keys() | ASKED.keys()


# What would end a key of one's own, with which the tests below sign.
SPARED = {"admin.rotate_key", "admin.disable_key"}


def _tries():
    """Each route with a number that both bodies have, and with one that only the city has."""
    for endpoint, rule in RULES.items():
        if endpoint not in SPARED:
            yield pytest.param(endpoint, 0, id=endpoint)
        if rule.arguments & ASKED.keys() or "{" in "".join(FORMS.get(endpoint, {}).values()):
            yield pytest.param(endpoint, 1, id=f"{endpoint} of the city")


@pytest.mark.parametrize(("endpoint", "which"), [*_tries()])
def test_a_route_shows_and_changes_nothing_of_another_body(bodies, enter, endpoint, which):
    rule = RULES[endpoint]
    numbers = {name: values[which] for name, values in bodies.numbers.items()}
    numbers |= {name: numbers[other] for name, other in ELSEWHERE.get(endpoint, {}).items()}
    path = rule.build({n: numbers.get(n, COMMON.get(n)) for n in rule.arguments})[1]
    client = enter(PEOPLE.get(endpoint, PEOPLE.get(endpoint.partition(".")[0], "kaikei")))
    if endpoint in FORMS:
        form = {name: value.format(**numbers) for name, value in FORMS[endpoint].items()}
        answer = client.post(path, data=form)
    else:
        answer = client.get(path)
    assert answer.status_code < 500
    assert (
        bodies.seen_in(answer.get_data().decode("utf-8", "replace"), " ".join(numbers.values()))
        == []
    )
    mine = ACCESS[endpoint.partition(".")[0]] is Access.STAFF
    if mine and which and rule.arguments & bodies.numbers.keys():
        assert answer.status_code == 404


# ---- keys ----


def _but(problem, asked):
    return {
        name: str(value).replace(asked, "…")
        for name, value in problem.items()
        if name != "instance"
    }


def test_what_another_body_was_told_is_as_unknown_as_what_nobody_was(bodies, app):
    theirs = bodies.ask(app, OTHER, "/only-in-the-city")
    assert theirs.status_code == 200
    foreign, unknown = (bodies.ask(app, OWN, f"/{name}") for name in ("only-in-the-city", "x"))
    assert foreign.status_code == unknown.status_code == 404
    # The same but for the id that was asked for, and for the number of the answer itself.
    assert _but(foreign.json, "only-in-the-city") == _but(unknown.json, "x")


def test_a_key_of_one_body_pays_no_slip_of_another(bodies, app):
    body = notification(OTHER, bodies.numbers["el_number"][1], "across", 22_000)
    told = bodies.ask(app, OWN, "", body=body)
    assert told.status_code in {201, 202}  # The money was taken: it waits in this body's suspense.
    with reading(bodies.engine, OWN) as connection:
        kept = connection.execute(
            text("SELECT COUNT(*) FROM source_file WHERE municipality_code = :m AND name LIKE :n"),
            {"m": OWN, "n": "%across%"},
        )
        assert kept.scalar_one() <= 1


def test_the_id_of_a_key_opens_nothing_without_its_own_secret(bodies, app):
    mixed = (bodies.keys[OTHER][0], bodies.keys[OWN][1])
    assert bodies.ask_as(app, mixed, "/only-in-the-city").status_code == 401
