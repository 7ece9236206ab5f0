"""0020: entries of a statement are numbered together, without a gap; evidence is packed with lz4."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import flag

M = "99999"
EACH, STATEMENTS = 40, 6  # cases of one statement, statements of one writer
PACKED = (
    "SELECT attcompression FROM pg_attribute "
    "WHERE attrelid = 'evidence'::regclass AND attname = 'data'"
)
FUNCTIONS = "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'kokin\\_enter\\_%'"


def open_cases(engine: sa.Engine, writer: int) -> None:
    """Several transactions, each opening many cases in one statement."""
    for turn in range(STATEMENTS):
        cases = [
            flag.Case("missing_report", f"writer{writer}/{turn}/{number}", 0)
            for number in range(EACH)
        ]
        with unit_of_work(engine, M) as connection:
            flag.open_cases(connection, M, cases, on="2026-06-01", actor=f"writer{writer}")


def entries(engine: sa.Engine) -> list[tuple[int, int, str]]:
    """Number of the entry, number of the case, who opened it; in the order of the entries."""
    with reading(engine, M) as connection:
        found = connection.execute(
            sa.text(
                "SELECT s.entry_no, s.subject_id, e.actor FROM seal_entry s JOIN case_event e "
                "ON e.municipality_code = s.municipality_code AND e.case_no = s.subject_id "
                "AND e.event_no = s.part_no WHERE s.kind = 'case_event' ORDER BY s.entry_no"
            )
        )
        return [(row.entry_no, row.subject_id, row.actor) for row in found]


def test_writers_side_by_side_leave_no_gap(database_url: str) -> None:
    """Whoever writes beside whom: 1, 2, 3 …, and what one statement added stands together."""
    engine = open_engine(database_url)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda writer: open_cases(engine, writer), (1, 2)))
    found = entries(engine)
    engine.dispose()
    assert [entry for entry, *_ in found] == list(range(1, 2 * STATEMENTS * EACH + 1))
    for start in range(0, len(found), EACH):
        statement = found[start : start + EACH]
        assert len({actor for *_, actor in statement}) == 1
        assert all(one[1] < other[1] for one, other in pairwise(statement))


@pytest.mark.postgres
def test_every_numbering_asks_once(bare_postgres_url: str) -> None:
    """No kind of entry was forgotten, and the way back leads to what was before."""
    upgraded = open_engine(bare_postgres_url)
    bodies: dict[str, dict[str, str]] = {}
    packed: list[str] = []
    for step, revision in (
        (command.upgrade, "0019"), (command.upgrade, "0020"), (command.downgrade, "0019"),
    ):  # fmt: skip
        at(upgraded, step, revision)
        with upgraded.connect() as connection:
            found = {row.proname: row.prosrc for row in connection.execute(sa.text(FUNCTIONS))}
            packed.append(connection.execute(sa.text(PACKED)).scalar_one())
        bodies[f"{step.__name__} {revision}"] = found
    upgraded.dispose()
    before, now, after = bodies.values()
    assert before.keys() == now.keys()
    assert all("MATERIALIZED" in body for body in now.values())
    assert not any("MATERIALIZED" in body for body in (*before.values(), *after.values()))
    assert packed == ["", "l", ""]
