"""The set-based engine and the slow second reading of outcomes.md agree on invented cities."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from compared import Compared, Confused
from emptied import emptied
from engine_city import EngineCity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_author import play
from reference_model import ReferenceCity
from reference_rows import sample_profile
from reference_strategies import scenarios

from reconcile import pipeline, post
from reconcile.before import EarlierLines

if TYPE_CHECKING:
    from pathlib import Path

    from reference_author import Step

QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def settled_cases(cases: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """All cases but `closed_year`: the model keeps it for payments withdrawn in the same file."""
    return {case for case in cases if case[0] != "closed_year"}


def compare(url: str, steps: tuple[Step, ...]) -> None:
    """Play the steps to both; after each one everything that counts must be the same."""
    profile = sample_profile()
    model, engine = ReferenceCity(profile), EngineCity(url, profile)
    try:
        for number, step in enumerate(steps):
            play(model, [step])
            play(engine, [step])  # type: ignore[arg-type]  # the engine is asked in the same way
            expected = {ref: outcome[:3] for ref, outcome in model.outcomes.items()}
            assert engine.outcomes == expected, number
            assert engine.balances == model.balances, number
            assert settled_cases(engine.cases) == settled_cases(model.cases), number
            assert engine.suspense_yen == model.suspense_yen, number
            groups = {key: sums for key, sums in model.groups.items() if any(sums)}
            assert {k: sums for k, sums in engine.groups.items() if any(sums)} == groups, number
    finally:
        engine.close()


@settings(max_examples=60, suppress_health_check=QUIET)
@given(scenarios())
def test_engine_and_model_agree_on_sqlite(
    sqlite_template: Path, tmp_path: Path, steps: tuple[Step, ...]
) -> None:
    """Outcomes, applied and suspense yen, balances, suspense and groups, after every step."""
    path = tmp_path / "city.sqlite"
    shutil.copy(sqlite_template, path)
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    compare(f"sqlite:///{path}", steps)


@settings(max_examples=15, suppress_health_check=QUIET)
@given(scenarios(), st.sampled_from((EarlierLines, Confused)))
def test_they_agree_when_another_has_looked_for_earlier_lines(
    sqlite_template: Path, tmp_path: Path, steps: tuple[Step, ...], kind: type[EarlierLines]
) -> None:
    """Large files on SQLite; a line too many that is said to have come before changes nothing."""
    path = tmp_path / "city.sqlite"
    shutil.copy(sqlite_template, path)
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    with patch.object(pipeline, "reading_of", Compared(kind=kind).reading_of):
        compare(f"sqlite:///{path}", steps)


@pytest.mark.postgres
@settings(max_examples=10, suppress_health_check=QUIET)
@given(scenarios(), st.sampled_from((1, post.MANY)))
def test_engine_and_model_agree_on_postgresql(
    postgres_url: str, steps: tuple[Step, ...], many: int
) -> None:
    """The same on PostgreSQL, emptied between the cities; balances one by one or all at once."""
    with patch.object(post, "MANY", many):
        compare(emptied(postgres_url), steps)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@settings(suppress_health_check=QUIET)
@given(scenarios())
def test_engine_and_model_agree_for_long(
    sqlite_template: Path, tmp_path: Path, steps: tuple[Step, ...]
) -> None:
    """As above, with other cities every time."""
    path = tmp_path / "city.sqlite"
    shutil.copy(sqlite_template, path)
    compare(f"sqlite:///{path}", steps)
