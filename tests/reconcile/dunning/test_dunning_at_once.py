"""Letters leave once: whoever sends them at the same time, and whoever is killed while sending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dunning_town import AT, DunningTown, M
from years_town import claim

from payments import approve
from payments.domain.errors import KokinError, RefusedError
from payments.store.unit_of_work import unit_of_work
from reconcile.dunning import pull, release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 120  # seconds for what takes none, however slow the machine
SENT = date(2026, 7, 24)
PEOPLE = 3
FOLDERS = [str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])]


@pytest.fixture
def town(database_url: str) -> Iterator[DunningTown]:
    """Three people who owe, and a list of them."""
    made = DunningTown(database_url)
    made.assess(*(claim(number, 2026, 10_000) for number in range(1, PEOPLE + 1)), on="2026-04-10")
    yield made
    made.close()


def at_once(deed: Callable[[str], object]) -> Counter[str]:
    """What three people are told who do the same at the same time; "" who did it."""
    gate = threading.Barrier(3, timeout=LONG)
    told: list[str] = []

    def one(name: str) -> None:
        gate.wait()
        try:
            deed(name)
        except KokinError as error:
            told.append(error.error_code)
        else:
            told.append("")

    people = [threading.Thread(target=one, args=(f"ito{n}",), daemon=True) for n in range(3)]
    for each in people:
        each.start()
    for each in people:
        each.join(LONG)
    return Counter(told)


def ready(town: DunningTown) -> int:
    """A list whose letters only wait for the post: drawn again, and the pulled ones taken out."""
    list_no = town.draw()
    town.approve(list_no)
    with unit_of_work(town.engine, M) as connection:
        pull.second_draw(
            connection, town.profile, list_no, on=SENT, actor="abe", at=AT + timedelta(days=3)
        )
        pull.confirm(connection, M, list_no, on=SENT, actor="ito", at=AT, count=0)
    return list_no


def send(town: DunningTown, list_no: int, name: str = "ito") -> int:
    """発送."""
    with unit_of_work(town.engine, M) as connection:
        return pull.dispatch(
            connection, town.profile, list_no, on=SENT, actor=name, at=AT, count=PEOPLE
        )


def events(town: DunningTown, list_no: int) -> list[str]:
    """経過 of a list."""
    rows = town.rows(
        "SELECT event FROM dunning_event WHERE municipality_code = :m AND list_no = :list_no "
        "ORDER BY event_no",
        list_no=list_no,
    )
    return [row.event for row in rows]


def test_who_draws_at_once_lists_nobody_twice(town):
    at_once(lambda _name: town.draw())
    listed = town.rows("SELECT notice_id, term FROM dunning_row WHERE ground = ''")
    assert len(listed) == len(set(listed)) == PEOPLE


def test_who_agrees_to_a_list_at_once_makes_its_letters_once(town):
    list_no = town.draw()
    with unit_of_work(town.engine, M) as connection:
        asked = release.ask(connection, M, list_no, asked_by="abe", at=AT, reason="試験")

    def agree(name: str) -> None:
        town.approve_waiting(asked.approval_id, decided_by=name)

    assert at_once(agree) == {"": 1, "approval_decided": 2}
    assert town.rows("SELECT COUNT(*) AS number FROM dunning_letter")[0].number == PEOPLE


def test_one_person_is_not_two(town):
    list_no = town.draw()
    with unit_of_work(town.engine, M) as connection:
        asked = release.ask(connection, M, list_no, asked_by="abe", at=AT, reason="試験")
    with (
        pytest.raises(RefusedError, match="approval_same_person"),
        unit_of_work(town.engine, M) as connection,
    ):
        approve.decide(connection, M, asked.approval_id, "approved", decided_by="Abe", at=AT)
    assert town.list(list_no).state == "drawn"


def test_who_sends_at_once_sends_once(town):
    list_no = ready(town)
    assert at_once(lambda name: send(town, list_no, name)) == {"": 1, "dunning_state": 2}
    assert events(town, list_no).count("dispatched") == 1


KILLED = """
import os, signal, sys
sys.path[:0] = {folders!r}
from datetime import UTC, date, datetime
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.dunning import pull
engine = open_engine({url!r})
with unit_of_work(engine, "99999") as connection:
    pull.dispatch(connection, load_profile(connection, "99999"), {list_no}, on=date(2026, 7, 24),
        actor="ito", at=datetime(2026, 7, 20, 3, tzinfo=UTC), count=3)
    if {early}:
        os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("early", [True, False], ids=["before the commit", "behind it"])
def test_who_is_killed_while_sending_has_sent_them_or_not_and_never_twice(town, early):
    list_no = ready(town)
    before = events(town, list_no)
    url = town.engine.url.render_as_string(hide_password=False)
    code = KILLED.format(folders=FOLDERS, url=url, list_no=list_no, early=early)
    ended = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ.copy())
    assert ended.returncode == -signal.SIGKILL
    if early:
        assert events(town, list_no) == before
        assert send(town, list_no) == 0
    assert events(town, list_no) == [*before, "dispatched"]
    with pytest.raises(RefusedError, match="dunning_state"):
        send(town, list_no)
    # Nor is there a list of the next days: everybody's letter has left.
    with pytest.raises(RefusedError, match="dunning_none"):
        town.draw(SENT + timedelta(days=1))
