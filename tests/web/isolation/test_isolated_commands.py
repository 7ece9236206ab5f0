"""R11, tried from outside: the commands of one body against the books of another.

Every command is enumerated. A new one fails here until it says in :data:`COMMANDS` how it is tried,
or in :data:`NOT_OF_A_BODY` why it need not be; what its arguments name is in :mod:`two_bodies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from codebase import ROOT
from two_bodies import ASKED, OWN, PASSWORDS

from web.cli import main
from web.commands.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYOUTS = ROOT / "docs" / "layouts" / "registers"
# What every command is given; {names} are those of two_bodies.ASKED.
PERSON = ("--user", "kaikei")
WHY = ("--reason", "試し")
COMMANDS: dict[str, tuple[str, ...]] = {
    "aliases forget": ("{alias_no}", *WHY, *PERSON),
    "aliases list": (),
    "approvals approve": ("{approval_id}", *PERSON),
    "approvals list": ("--state", "all"),
    "approvals reject": ("{approval_id}", *WHY, *PERSON),
    "approvals show": ("{approval_id}",),
    "approvals recall": ("{approval_id}", *WHY, *PERSON),
    "arrivals accept": ("eltax", *WHY, *PERSON),
    "arrivals move": ("{file_id}", "2026-06-02", *WHY, *PERSON),
    "arrivals notices": (),
    "arrivals test-notice": (),
    "arrivals nil": ("eltax", "2026-06-02", "--note", "試し", *PERSON),
    "arrivals nil-withdraw": ("eltax", "2026-06-02", "--reason", "試し", *PERSON),
    "arrivals propose": (),
    "arrivals rules": (),
    "arrivals set": ("eltax", "--days", "every", *WHY, *PERSON),
    "arrivals show": ("2026-06-01",),
    "assessments import": ("{file}",),
    "assessments show": ("901/2026/{notice_no}",),
    "audit pack": ("--case", "{case_no}", "--with-files", "--out", "{out}"),
    "audit seals": (),
    "cases accept": ("{case_no}", "--note", "試し"),
    "cases ack": ("{case_no}",),
    "cases assign": ("{case_no}", "-"),
    "cases deadline": ("{case_no}", "2046-06-01"),
    "cases list": (),
    "cases note": ("{case_no}", "--note", "試し"),
    "cases place": ("{file_id}:2", "--to", "901/2026/{notice_no}/01", *WHY, *PERSON, "--yes"),
    "cases show": ("{case_no}",),
    "cases suggest": ("{file_id}:2",),
    "cases undo-event": ("{case_no}", "1"),
    "cases undo": ("{file_id}:2", *WHY, *PERSON, "--yes"),
    "day close": ("2026-06-01", *WHY, *PERSON),
    "day reopen": ("2026-06-01", *WHY, *PERSON),
    "day show": ("2026-06-01",),
    "charges book": (),
    "charges list": (),
    "charges plans ask": ("901/2026/{notice_no}/01", "--day", "2026-12-28", *WHY, *PERSON),
    "charges plans cancel": ("{plan_no}", *WHY, *PERSON),
    "charges plans list": ("--state", "all"),
    "charges prescribing": (),
    "charges take-up": ("901/2026/{notice_no}/01", *WHY, *PERSON),
    "charges waive": ("901/2026/{notice_no}/01", "--kind", "whole", *WHY, *PERSON),
    "charges write-off": (
        "901/2026/{notice_no}/01",
        "--ground",
        "stop_at_once",
        "--extinguished",
        "2026-06-01",
        *WHY,
        *PERSON,
    ),
    "certificates despite": (*WHY, *PERSON),
    "certificates check": ("{file}",),
    "certificates tax": ("{obligor_no}", *PERSON),
    "certificates vehicles": ("--year", "2026", "--out", "{out}"),
    "debit accounts import": ("{file}",),
    "debit accounts set": ("{obligor_no}", "--end", *WHY, *PERSON),
    "debit accounts show": ("{obligor_no}",),
    "debit acknowledge": ("{debit_no}", "--count", "0", "--amount", "0", *PERSON),
    "debit answers": ("{file}", *PERSON),
    "debit build": ("--date", "2026-06-01"),
    "debit explain": ("901/2026/{notice_no}/01",),
    "debit file": ("{debit_no}", "--out", "{out}", *WHY, *PERSON),
    "debit list": (),
    "debit release": ("{debit_no}", *PERSON),
    "debit replace": ("{debit_no}", *WHY, *PERSON),
    "debit results": ("--date", "2026-06-01"),
    "debit second": ("--of", "2026-06-01", "--date", "2026-06-02"),
    "debit show": ("{debit_no}",),
    "debit withdraw": ("{debit_no}", *WHY, *PERSON),
    "dunning ask": ("{list_no}", *WHY, *PERSON),
    "dunning confirm": ("{list_no}", "--count", "0", *PERSON),
    "dunning despite": (*WHY, *PERSON),
    "dunning dispatch": ("{list_no}", "--count", "0", *PERSON),
    "dunning drop": ("{list_no}", *WHY, *PERSON),
    "dunning explain": ("{list_no}", "901/2026/{notice_no}/01"),
    "dunning extract": PERSON,
    "dunning letters": ("{list_no}", "--out", "{out}"),
    "dunning list": (),
    "dunning print": ("{list_no}", "--out", "{out}", *PERSON),
    "dunning pull": ("{list_no}", *PERSON),
    "dunning recheck": ("{obligor_no}", *PERSON),
    "dunning show": ("{list_no}",),
    "explain case": ("{case_no}",),
    "explain credit": ("{file_id}:2",),
    "explain line": ("{file_id}", "2"),
    "explain number": ("{el_number}",),
    "explain receipt": ("{file_id}:2",),
    "explain slip": ("{slip_no}",),
    "files get": ("{file_id}", "--out", "{out}"),
    "files list": (),
    "files retry": ("{file_id}",),
    "holds lift": ("{hold_no}", *WHY, *PERSON),
    "holds list": ("--all",),
    "holds set": ("901/2026/{notice_no}", "--kind", "dunning_hold", *WHY, *PERSON),
    "intake": ("{file}",),
    "events disable": ("{subscriber}",),
    "events enable": ("{subscriber}",),
    "events list": (),
    "events log": (),
    "events replay": ("{subscriber}", "--from", "1", "--to", "9"),
    "events rotate": ("{subscriber}",),
    "events subscribe": ("another", "--folder", "{out}"),
    "evidence rekey": (),
    "evidence status": (),
    "jobs history": (),
    "jobs list": (),
    "jobs retry": ("{job_run_id}", "--no-wait"),
    "jobs run": ("reconcile", "--no-wait"),
    "jobs set": ("verify", "--at", "30 6 * * *"),
    "jobs show": ("verify",),
    "key disable": ("{key_id}",),
    "key list": (),
    "key rotate": ("{key_id}",),
    "municipality live": (*WHY, *PERSON),
    "municipality sample": (*WHY, *PERSON),
    "municipality show": (),
    "notification body": ("9",),
    "notification conflicts": (),
    "notification refused": (),
    "outcomes export": ("--out", "{out}"),
    "parameters apply": (),
    "parameters ask": ("{file}", *WHY, *PERSON),
    "parameters history": (),
    "people as-of": ("{obligor_no}", *PERSON),
    "parameters show": (),
    "refunds ageing": (),
    "refunds ask": ("line:{file_id}:2", *WHY, *PERSON),
    "refunds batch": ("--on", "2046-06-04", *PERSON),
    "refunds batches": (),
    "refunds cancel": ("{refund_no}", *WHY, *PERSON),
    "refunds class": ("line:{file_id}:2", "--reason", "paid_twice", *PERSON),
    "refunds entrust": (
        "line:{file_id}:2",
        "901/2026/{notice_no}/01",
        "--consented-on",
        "2026-06-04",
        *WHY,
        *PERSON,
    ),
    "refunds file": ("{batch_no}", "--out", "{out}", *PERSON),
    "refunds list": (),
    "refunds match": (*PERSON,),
    "refunds notice": ("line:{file_id}:2", *PERSON),
    "refunds paid": (),
    "refunds payee": ("{refund_no}", *PERSON),
    "refunds propose": ("line:{file_id}:2",),
    "refunds release": ("{batch_no}", *WHY, *PERSON),
    "refunds returned": ("{refund_no}", "{file_id}:2", *PERSON),
    "refunds show": ("{refund_no}",),
    "refunds withdraw": ("{batch_no}", *WHY, *PERSON),
    "people views": ("--obligor", "{obligor_no}"),
    "reconcile": (),
    "reports": ("suspense",),
    "registers map-check": (str(LAYOUTS / "sample_obligors.toml"), "{file}"),
    "registers obligors": ("{file}",),
    "retention archive": ("account_view", "--before", "2046-06-01", "--folder", "{out}"),
    "retention ask": ("1", "--folder", "{out}", *WHY, *PERSON),
    "retention check": ("--folder", "{out}"),
    "retention list": (),
    "retention plan": ("--as-of", "2046-06-01"),
    "retention pseudonymised": ("--out", "{out}"),
    "statistics export": ("--day", "2026-06-01", "--folder", "{out}"),
    "accounting": ("docs/layouts/accounting/sample.toml",),
    "slips correct": ("--notice", "{notice_no}"),
    "slips import": ("{file}",),
    "slips issue": ("--slip", "{slip_no}", "--out", "{out}", "--dry-run"),
    "slips reissue": ("{slip_no}", *WHY),
    "slips release": ("{run_id}", *PERSON),
    "slips revoke": ("{slip_no}", *WHY),
    "slips run discard": ("{run_id}", *WHY),
    "slips run show": ("{run_id}",),
    "slips runs": (),
    "slips show": ("{slip_no}",),
    "slips upload-accept": ("{upload_id}", "--count", "1"),
    "slips upload-file": ("--out", "{out}"),
    "slips uploads": (),
    "slips vehicles import": ("{file}",),
    "user add": ("atarashii", "--role", "admin"),
    "user disable": ("{user_name}",),
    "user enable": ("{user_name}",),
    "user reset": ("{user_name}",),
    "user roles": ("{user_name}", "--role", "auditor"),
    "user sessions": ("{user_name}",),
    "user unlock": ("{user_name}",),
    "user list": (),
    "user password": ("{user_name}",),
    "verify": (),
    "year carry": ("2026", *PERSON),
    "year lines": ("2026", "--out", "{out}"),
    "year show": ("2026",),
}
# Commands that are not about one body, and why they need not be tried.
NOT_OF_A_BODY = {
    "demo": "makes an installation of its own, in a new folder",
    "backup drill": "restores the installation elsewhere and throws it away, as its owner",
    "backup take": "copies the installation, as the owner of the tables",
    "calc due-date": "reckons, has no database",
    "calc instalments": "reckons, has no database",
    "calc late-charge": "reckons, has no database",
    "calc rates": "shows the table of rates, has no database",
    "calc refund-interest": "reckons, has no database",
    "db distribute": "places tables on servers, no rows",
    "db move": "copies the installation, as the owner of the tables",
    "db roles": "rights of roles, no rows",
    "doctor": "looks at the machine and counts, of one body only what waits",
    "evidence new-key": "makes a key, has no database",
    "init": "makes the database and enters profiles; reads nothing",
    "key add": "ids are unique over the installation: tried in test_bodies_command",
    "municipality add": "the operator of the installation enters a body",
    "municipality disable": "the operator of the installation stops a body",
    "municipality enable": "… and begins it again",
    "municipality list": "names of bodies are public",
    "restore": "puts a backup into an empty database",
    "sample make": "writes files, has no database",
    "schedule": "runs the jobs, body by body (tests/web/jobs)",
    "outage-page": "one page for everybody, has no database",
    "serve": "serves the routes tried here",
    "slips read": "reads a picture, has no database",
    "statistics query": "reads the files of many bodies, without small numbers; has no database",
}


def _leaves(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _leaves(found, (*words, name))
    else:
        yield " ".join(words)


def test_every_command_is_tried_or_says_why_not():
    assert set(_leaves(main)) == COMMANDS.keys() | NOT_OF_A_BODY.keys()


def names_something(words: str) -> bool:
    """Whether the first argument is a number of the books, so that another body has none such."""
    first = COMMANDS[words][:1]
    return any(f"{{{name}}}" in word for word in first for name in ASKED)


def _tries():
    """Each command with a number that both bodies have, and with one that only the city has."""
    for words, arguments in COMMANDS.items():
        yield pytest.param(words, 0, id=words)
        if any(f"{{{name}}}" in word for word in arguments for name in ASKED):
            yield pytest.param(words, 1, id=f"{words} of the city")


@pytest.mark.parametrize(("words", "which"), [*_tries()])
def test_a_command_shows_and_changes_nothing_of_another_body(
    bodies, words, which, tmp_path, monkeypatch
):
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORDS[OWN])
    (tmp_path / "file").write_bytes(b"no file of any kind")
    numbers = {name: values[which] for name, values in bodies.numbers.items()}
    numbers |= {"out": str(tmp_path / "out"), "file": str(tmp_path / "file")}
    arguments = [word.format(**numbers) for word in COMMANDS[words]]
    session = Session(bodies.settings.model_copy())
    answer = CliRunner().invoke(
        main, [*words.split(), *arguments, "--municipality", OWN], obj=session
    )
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    written = [
        path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    ]
    assert bodies.seen_in("\n".join([answer.output, *written]), " ".join(numbers.values())) == []
    if which and names_something(words):
        assert answer.exit_code != 0
