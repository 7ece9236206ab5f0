"""What the doctor says of the machine: names of settings, folders, room, clocks."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from payments.domain.errors import ConfigurationError
from web import doctor_machine
from web.cli import main
from web.commands.session import Session
from web.doctor import examine


class Usage(NamedTuple):
    """What the system says of a disk."""

    total: int
    used: int
    free: int


def test_all_is_well_here_and_the_room_is_said(books):
    found = {finding.code: finding for finding in examine(books.settings)}
    for code in ("settings", "folders", "disk", "clock"):
        assert found[code].problem == "", code
    assert found["disk"].note.startswith("空き ")


def test_a_mistyped_setting_is_named_with_the_right_one(books):
    settings = books.settings
    for others in ({"KOKIN_PASSWORD": "x"}, {"KOKIN_TEST_RUN_DIR": "x"}, {"PATH": "x"}):
        doctor_machine.names(settings, others | {"KOKIN_INBOX": "x", "kokin_home": "x"})
    with pytest.raises(ConfigurationError, match="settings_name") as error:
        doctor_machine.names(settings, {"KOKIN_BACKUP_KEPT": "3"})
    assert error.value.details["expected"] == "KOKIN_BACKUPS_KEPT"


def test_a_short_token_is_refused(books):
    for token, ok in (("", True), ("t" * 32, True), ("t" * 31, False)):
        settings = books.settings.model_copy(update={"metrics_token": token})
        if ok:
            doctor_machine.names(settings, {})
        else:
            with pytest.raises(ConfigurationError, match="metrics_token"):
                doctor_machine.names(settings, {})


def test_a_place_that_cannot_be_a_folder_is_named(books, tmp_path):
    (tmp_path / "file").touch()
    settings = books.settings.model_copy(update={"backups": tmp_path / "file" / "backups"})
    with pytest.raises(ConfigurationError, match="folder_unwritable") as error:
        doctor_machine.folders(settings)
    assert error.value.details["path"].endswith("file/backups")


def test_too_little_room_is_named_with_its_place(books, monkeypatch):
    monkeypatch.setattr(
        doctor_machine.shutil, "disk_usage", lambda _place: Usage(10**10, 10**10 - 10**8, 10**8)
    )
    with pytest.raises(ConfigurationError, match="disk_low") as error:
        doctor_machine.disk(books.settings)
    assert (error.value.details["found"], error.value.details["expected"]) == ("0.1", "0.3")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_goes_otherwise_is_named(books, monkeypatch, hours):
    """Between two looks at our clock any time may pass; the other may differ by the allowance."""
    real = doctor_machine.time.time
    doctor_machine.machine_clock(books.settings)
    monkeypatch.setattr(doctor_machine.time, "time", lambda: real() + 3_600 * hours)
    with pytest.raises(ConfigurationError, match="clock_differs"):
        doctor_machine.machine_clock(books.settings)
    doctor_machine._require_between(100, 100 - doctor_machine.CLOCK_SECONDS_MAX, 900, "x")
    doctor_machine._require_between(100, 500, 900, "x")
    with pytest.raises(ConfigurationError):
        doctor_machine._require_between(100, 931, 900, "x")


def test_the_command_goes_on_behind_a_problem(books):
    settings = books.settings.model_copy(update={"metrics_token": "short"})
    answer = CliRunner().invoke(main, ["doctor", "--json"], obj=Session(settings))
    assert answer.exit_code == 1
    found = {each["code"]: each for each in json.loads(answer.stdout)}
    assert "KOKIN_METRICS_TOKEN" in found["settings"]["problem"]
    assert found["clock"]["ok"]
