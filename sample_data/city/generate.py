"""見本市をつくる: write a whole synthetic city into a folder, the same for the same seed."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from reconcile.formats import assessments, slip_register, vehicle_register
from sample_data.city import bank, faults, files
from sample_data.city.case import Case
from sample_data.city.names import Obligor, obligor
from sample_data.city.plan import City
from sample_data.city.register import Register
from sample_data.city.scenarios import SCENARIOS
from sample_data.city.scenarios.ordinary import household

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

DEFAULT_START = date(2026, 6, 1)


@dataclass(frozen=True, slots=True)
class Summary:
    """見本市の概要: what was written; counts, and yen as whole numbers."""

    obligors: int
    days: tuple[date, ...]
    seed: int
    instalments: int
    slips: int
    files: int
    lines: int
    outcomes: dict[str, int] = field(default_factory=dict)  # outcome → lines
    scenarios: dict[str, int] = field(default_factory=dict)  # scenario → how often


def make(
    out: Path,
    *,
    obligors: int,
    days: int,
    seed: int,
    start: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """見本市: write registers, an inbox of files per day, and the truth about each line.

    ``out`` is made if it is not there. ``start`` is moved to the next bank business day; each of
    the ``days`` folders stands for one bank business day. ``progress(done, total)`` counts
    obligors. Equal parameters give equal bytes.

    Raises :class:`InvalidValueError` ``sample_size`` for less than one obligor or one day, or for
    a folder that already holds an inbox.
    """
    for name, value in (("obligors", obligors), ("days", days)):
        if value < 1:
            raise InvalidValueError("sample_size", field=name, found=value, expected=">= 1")
    if (out / "inbox").exists():
        raise InvalidValueError("sample_folder", field="out", found=str(out), expected="empty")
    out.mkdir(parents=True, exist_ok=True)
    with (
        Register(out / "assessments.csv", assessments.LAYOUT) as assessed,
        Register(out / "slips.csv", slip_register.LAYOUT) as printed,
        Register(out / "vehicles.csv", vehicle_register.LAYOUT) as vehicles,
    ):
        city = City(
            start=start or DEFAULT_START,
            days=days,
            seed=seed,
            assessments=assessed,
            slips=printed,
            vehicles=vehicles,
        )
        played = _populate(city, obligors, progress)
    city.advice = bank.advice_of(city)
    rng = Random(f"{seed}/bank")
    city.entries += [*bank.other_movements(city, rng)]
    city.entries += [*bank.credits_of_groups(city, city.advice)]
    written = _write_inbox(out, city)
    summary = Summary(
        obligors,
        tuple(city.dates[:days]),
        seed,
        city.instalments,
        city.slips.count,
        written.files,
        sum(written.outcomes.values()),
        dict(sorted(written.outcomes.items())),
        played,
    )
    _write_readme(out, summary)
    return summary


def _populate(
    city: City, obligors: int, progress: Callable[[int, int], None] | None
) -> dict[str, int]:
    """Let every obligor play a part: first the scenarios, then the ordinary households.

    Each has a random stream of its own, so that the order of play decides nothing.
    """
    parts = [
        scenario
        for scenario in SCENARIOS
        if scenario.days <= city.days
        for _ in range(scenario.count(obligors))
    ]
    played = dict.fromkeys((scenario.code for scenario in SCENARIOS), 0)
    for number, scenario in enumerate(parts):
        case = _case(city, number % obligors + 1, f"scenario/{number}")
        scenario.play(case)
        case.close()
        played[scenario.code] += 1
    for number in range(1, obligors + 1):
        if number > len(parts):
            case = _case(city, number, "household")
            household(case)
            case.close()
        if progress is not None:
            progress(number, obligors)
    return {**played, "household": max(obligors - len(parts), 0)}


def _case(city: City, number: int, stream: str) -> Case:
    """One part to play, by the ``number``-th obligor."""
    return Case(city, _obligor(city.seed, number), Random(f"{city.seed}/{stream}/{number}"))


def _obligor(seed: int, number: int) -> Obligor:
    """The same person whenever asked."""
    return obligor(number, Random(f"{seed}/obligor/{number}"))


@dataclass
class _Written:
    """書いたもの: how many files, and how many lines of each outcome."""

    files: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def _write_inbox(out: Path, city: City) -> _Written:
    """Write the files in the order of intake, and beside them what must become of them."""
    good = files.planned(city)
    everything = sorted([*good, *faults.planned(city, good)], key=lambda f: (f.day, f.name))
    result = _Written()
    expected: list[tuple[str, str]] = []
    with (out / "truth.csv").open("w", encoding="utf-8", newline="") as stream:
        truth = csv.writer(stream, lineterminator="\r\n")
        truth.writerow(("file_name", "line_no", "outcome", "applied_yen", "suspense_yen"))
        for file in everything:
            folder = out / "inbox" / city.dates[file.day].isoformat()
            folder.mkdir(parents=True, exist_ok=True)
            written = file.write()
            (folder / file.name).write_bytes(written.data)
            expected.append((file.name, file.status))
            result.files += 1
            for line in written.truth:
                truth.writerow((file.name, *line))
                result.outcomes[line.outcome] = result.outcomes.get(line.outcome, 0) + 1
    _write_csv(out / "expected_files.csv", ("file_name", "status"), expected)
    return result


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """UTF-8, CRLF."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_readme(out: Path, summary: Summary) -> None:
    """README.txt: what this folder is, and how often each scenario was played."""
    lines = [
        "見本市（すべて架空）: この資料の氏名・住所・番号・金額は実在のものではありません。",
        (
            f"納付義務者 {summary.obligors}  期別 {summary.instalments}  納付書 {summary.slips}"
            f"  資料 {summary.files}  明細 {summary.lines}  種 {summary.seed}"
        ),
        f"期間 {summary.days[0]} – {summary.days[-1]}（銀行営業日 {len(summary.days)} 日）",
        "",
        "筋書（回数 / 1万人あたりの率 / 必要日数。どれも少なくとも1回）",
        *(
            f"{summary.scenarios[scenario.code]:>7} / {scenario.per_10000:>4} / {scenario.days}"
            f"  {scenario.label_ja}  [{scenario.code}]"
            for scenario in SCENARIOS
        ),
        f"{summary.scenarios['household']:>7}          ふつうの世帯  [household]",
        "",
        "正解（truth.csv の行数）",
        *(f"{count:>9}  {outcome}" for outcome, count in summary.outcomes.items()),
        "",
        "expected_files.csv は資料ごとの取込結果、truth.csv は全日を取り込み、",
        "最終日で再照合したあとの各行の正しい結果です。",
    ]
    (out / "README.txt").write_bytes("\r\n".join((*lines, "")).encode("utf-8"))
