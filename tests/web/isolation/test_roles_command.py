"""``kokin db roles``, and what the doctor says of a role that nothing holds."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.engine import open_engine
from web.cli import main
from web.commands.session import Session
from web.config import Settings

SECRET = "a secret of the tests, long enough"


def _run(url, home, *words):
    session = Session(Settings(home=home, database_url=url, secret_key=SECRET, municipality=""))
    return CliRunner().invoke(main, list(words), obj=session)


@pytest.mark.postgres
@pytest.mark.usefixtures("roles")
def test_rights_are_shown_or_given_and_may_be_given_again(postgres_url, tmp_path):
    shown = _run(postgres_url, tmp_path, "db", "roles")
    assert shown.exit_code == 0, shown.output
    assert "GRANT SELECT, INSERT ON posting TO kokin_app;" in shown.stdout
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON number_block TO kokin_app;" in shown.stdout
    assert "GRANT SELECT, UPDATE ON municipality TO kokin_app;" in shown.stdout
    assert "password_hash" not in shown.stdout
    service = open_engine(postgres_url.replace("//kokin@", "//kokin_app@"))
    with service.connect() as connection:
        may = text("SELECT has_table_privilege('slip', 'INSERT')")
        assert connection.execute(may).scalar_one() is False  # showing gives nothing
    for _ in range(2):
        assert _run(postgres_url, tmp_path, "db", "roles", "--apply").exit_code == 0
    with service.connect() as connection:
        assert connection.execute(may).scalar_one() is True
    service.dispose()


@pytest.mark.postgres
def test_a_role_that_nothing_holds_gets_no_rights(postgres_url, tmp_path):
    answer = _run(postgres_url, tmp_path, "db", "roles", "--app", "postgres")
    assert (answer.exit_code, "database_role_free" in answer.stderr) == (1, True)
    answer = _run(postgres_url, tmp_path, "db", "roles", "--app", "nobody_at_all")
    assert (answer.exit_code, "（database_role）" in answer.stderr) == (1, True)


def test_a_file_has_no_roles(sqlite_url, tmp_path):
    answer = _run(sqlite_url, tmp_path, "db", "roles")
    assert (answer.exit_code, "database_roles_sqlite" in answer.stderr) == (1, True)


@pytest.mark.postgres
def test_the_doctor_names_a_role_that_nothing_holds(postgres_url, tmp_path):
    def separation(url):
        found = json.loads(_run(url, tmp_path, "doctor", "--json").stdout)
        return next(each for each in found if each["code"] == "separation")

    assert separation(postgres_url)["ok"] is True
    free = separation(postgres_url.replace("//kokin@", "//postgres@"))
    assert free["ok"] is False
    assert "postgres" in free["problem"]


@pytest.mark.postgres
@pytest.mark.usefixtures("roles")
def test_the_doctor_names_rights_that_nobody_has_given_yet(
    postgres_url, postgres_cluster, tmp_path
):
    """As after an upgrade that made tables, behind which nobody ran ``kokin db roles``."""

    def rights(url):
        found = json.loads(_run(url, tmp_path, "doctor", "--json").stdout)
        return next(each for each in found if each["code"] == "rights")

    service = postgres_url.replace("//kokin@", "//kokin_app@")
    assert _run(postgres_url, tmp_path, "db", "roles", "--apply").exit_code == 0
    assert rights(service)["ok"] is True
    assert "kokin db roles" in rights(postgres_url)["note"]  # the owner has more than is needed
    with postgres_cluster.connect(postgres_url.rpartition("/")[2]) as connection:
        connection.execute("REVOKE INSERT ON posting FROM kokin_app")
        connection.execute("REVOKE EXECUTE ON FUNCTION kokin_count(text, text[]) FROM kokin_app")
        connection.execute("REVOKE EXECUTE ON FUNCTION kokin_count(text, text[]) FROM public")
    found = rights(service)
    assert found["ok"] is False
    for said in (
        "2件",
        "posting (INSERT)",
        "kokin_count(text, text[]) (EXECUTE)",
        "kokin db roles",
    ):
        assert said in found["problem"]


def test_the_doctor_looks_at_every_body(bodies):
    found = json.loads(
        _run(bodies.settings.database, bodies.settings.home, "doctor", "--json").stdout
    )
    said = {each["code"]: each for each in found}
    assert said["municipality"]["ok"]
    assert said["municipality"]["note"] == "99998 となり町、99999 みほん市"
    assert said["notifications"]["ok"]
