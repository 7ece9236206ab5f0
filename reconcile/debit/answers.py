"""受付結果ファイル: what the banks say they took of our batches, bank by bank, from one file.

Where the values stand is described in the profile (:class:`AnswerLayout`). Evidence first; then
every line ends in one verdict with its reason, and what it says is written down beside its batch
(:func:`reconcile.debit.acknowledge.acknowledge`). A file with a line that cannot be read changes
nothing at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.debiting import DAY_FORMS
from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.debit import batches as books
from reconcile.debit.acknowledge import acknowledge
from reconcile.debit.batches import ACKNOWLEDGED, DIFFERS, SENT, Batch
from reconcile.intake import decided_meanwhile, keep_evidence, record_file, record_findings
from reconcile.model import Channel, FileStatus, Finding, Reading, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine

    from payments.domain.debiting import AnswerLayout
    from payments.domain.profile import Profile
    from reconcile.debit.build import Act
    from reconcile.model import Delivery

FORMAT = "debit_answer"
AGREES, OTHER, NO_BATCH, NOT_SENT = "agrees", "differs", "no_batch", "not_sent"
VERDICTS = (AGREES, OTHER, NO_BATCH, NOT_SENT)
_SAID = {
    OTHER: "debit_answer_differs",
    NO_BATCH: "debit_answer_no_batch",
    NOT_SENT: "debit_answer_not_sent",
}
_FIELDS = {
    "encoding": "文字コード",
    "bank_code": "銀行番号",
    "debit_on": "引落日",
    "count": "件数",
    "amount_yen": "金額",
    "round": "初回・再振替",
}
_DIGITS = re.compile(r"[0-9]{1,12}")


class Answer(NamedTuple):
    """受付結果の一行: what one bank says it took for one day; ``round`` 0 where it does not say."""

    line_no: int
    bank_code: str
    debit_on: date
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    round: int = 0


class Compared(NamedTuple):
    """照合した一行: the answer, the batch it speaks of, and its verdict (:data:`VERDICTS`)."""

    answer: Answer
    batch: Batch | None
    verdict: str

    @property
    def more(self) -> tuple[int, int]:
        """差: count and yen of the answer less those of the batch; 0 without one."""
        if self.batch is None:
            return 0, 0
        return (
            self.answer.count - self.batch.count,
            self.answer.amount_yen - self.batch.amount_yen,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """取込の結果: every line, and the batches of the same days that no bank has spoken about."""

    file_id: int
    is_duplicate: bool
    lines: tuple[Compared, ...]
    silent: tuple[Batch, ...]

    @property
    def good(self) -> bool:
        """Whether every line agrees and nobody is missing."""
        return all(line.verdict == AGREES for line in self.lines) and not self.silent


# ---- reading ----


def read_answers(data: bytes, layout: AnswerLayout, today: date) -> list[Answer]:
    """受付結果 by the described layout.

    Raises :class:`InvalidValueError` ``debit_answer_line`` for what cannot be read, with line and
    field, and ``debit_answer_empty`` where no line is left.
    """
    try:
        lines = data.decode(layout.encoding).splitlines()
    except UnicodeDecodeError as error:
        raise _bad(1, "encoding", f"0x{error.object[error.start]:02X}", layout.encoding) from error
    found = []
    for line_no, line in enumerate(lines, start=1):
        wanted = line_no > layout.skip_lines and line.strip("\x1a \t")
        if wanted and line.startswith(layout.only):
            found.append(_answer(line_no, _values(line_no, line, layout), layout, today))
    if not found:
        raise InvalidValueError("debit_answer_empty")
    return found


def _values(line_no: int, line: str, layout: AnswerLayout) -> dict[str, str]:
    """The values of a line where the layout says that they stand."""
    found = {}
    columns = line.split(layout.separator) if layout.separator else []
    wide = line.encode(layout.encoding)
    for name, place in layout.places().items():
        if layout.separator:
            if int(place) > len(columns):
                raise _bad(line_no, name, line[:40], place)
            value = columns[int(place) - 1]
        else:
            first, last = (int(part) for part in place.split("-"))
            if last > len(wide):
                raise _bad(line_no, name, line[:40], place)
            value = wide[first - 1 : last].decode(layout.encoding, "replace")
        found[name] = value.strip().strip('"').strip()
    return found


def _answer(line_no: int, said: dict[str, str], layout: AnswerLayout, today: date) -> Answer:
    bank_code = said["bank_code"]
    if not re.fullmatch(r"[0-9]{4}", bank_code):
        raise _bad(line_no, "bank_code", bank_code, "0000")
    numbers = {}
    for name in ("count", "amount_yen"):
        plain = said[name].replace(",", "")
        if not _DIGITS.fullmatch(plain):
            raise _bad(line_no, name, said[name], "0-9")
        numbers[name] = int(plain)
    round_ = said.get("round", "0")
    if round_ not in {"0", "1", "2"}:
        raise _bad(line_no, "round", round_, "1 / 2")
    day = _day(line_no, said["debit_on"], layout.day_form, today)
    return Answer(line_no, bank_code, day, numbers["count"], numbers["amount_yen"], int(round_))


def _day(line_no: int, value: str, form: str, today: date) -> date:
    """引落日; one without its year is the nearest to today."""
    try:
        if DAY_FORMS[form]:
            return datetime.strptime(value, DAY_FORMS[form]).date()  # noqa: DTZ007 - a day
        month, day = int(value[:2]), int(value[2:])
        near = [date(year, month, day) for year in (today.year - 1, today.year, today.year + 1)]
    except ValueError:
        raise _bad(line_no, "debit_on", value, form) from None
    return min(near, key=lambda each: abs((each - today).days))


def _bad(line_no: int, field: str, found: str, expected: str) -> InvalidValueError:
    return InvalidValueError(
        "debit_answer_line", line_no=line_no, field=_FIELDS[field], found=found, expected=expected
    )


# ---- comparing and writing down ----


def compare(
    connection: Connection, municipality_code: str, answers: Iterable[Answer]
) -> list[Compared]:
    """照合: each answer with the one batch in force of its bank, day and round."""
    found = []
    for answer in answers:
        mine = [
            batch
            for batch in books.batches_on(connection, municipality_code, answer.debit_on)
            if batch.bank_code == answer.bank_code and answer.round in {0, batch.round}
        ]
        batch = mine[0] if len(mine) == 1 else None
        if batch is None:
            verdict = NO_BATCH
        elif batch.event(SENT) is None:
            verdict = NOT_SENT
        else:
            same = (answer.count, answer.amount_yen) == (batch.count, batch.amount_yen)
            verdict = AGREES if same else OTHER
        found.append(Compared(answer, batch, verdict))
    return found


def take_answers(engine: Engine, municipality_code: str, delivery: Delivery, act: Act) -> Taken:
    """受付結果の取込: evidence, then every answer beside its batch; once for the same bytes.

    Raises what :func:`read_answers` raises; the file then stands aside with that finding.
    """
    with reading(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
    kept = keep_evidence(engine, municipality_code, delivery, received_on=act.today)
    try:
        answers = read_answers(delivery.data, profile.debit.answers, act.today)
    except InvalidValueError as error:
        _aside(engine, profile, kept.file_id, error)
        raise
    with unit_of_work(engine, municipality_code) as connection:
        again = kept.is_duplicate or decided_meanwhile(connection, municipality_code, kept)
        lines = compare(connection, municipality_code, answers)
        if not again:
            for line in lines:
                if line.batch is not None and line.verdict in {AGREES, OTHER}:
                    acknowledge(
                        connection, municipality_code, line.batch.batch_no, line.answer.count,
                        line.answer.amount_yen, act,
                        note=f"{delivery.name} {line.answer.line_no}行目",
                    )  # fmt: skip
            record_findings(connection, municipality_code, kept.file_id, _findings(lines))
            sums = Reading(
                FORMAT, Channel.REGISTER, iter(()), count=len(lines),
                amount_yen=sum(line.answer.amount_yen for line in lines),
            )  # fmt: skip
            record_file(connection, municipality_code, kept.file_id, FileStatus.ACCEPTED, sums)
        silent = _silent(connection, municipality_code, lines)
    return Taken(kept.file_id, again, tuple(lines), silent)


def _findings(lines: Iterable[Compared]) -> list[Finding]:
    """What does not agree, kept with the file."""
    return [
        Finding(
            _SAID[line.verdict], Severity.WARNING, line.answer.line_no,
            field=line.answer.bank_code,
            found=f"{line.answer.count} / {line.answer.amount_yen}",
            expected=f"{line.batch.count} / {line.batch.amount_yen}" if line.batch else "",
        )
        for line in lines
        if line.verdict != AGREES
    ]  # fmt: skip


def _silent(
    connection: Connection, municipality_code: str, lines: Iterable[Compared]
) -> tuple[Batch, ...]:
    """回答のない束: those of the days of the file that no bank has spoken about yet (I19)."""
    days = sorted({line.answer.debit_on for line in lines})
    spoken = {line.batch.batch_no for line in lines if line.batch is not None}
    return tuple(
        batch
        for day in days
        for batch in books.batches_on(connection, municipality_code, day)
        if batch.batch_no not in spoken and batch.state not in {ACKNOWLEDGED, DIFFERS}
    )


def _aside(engine: Engine, profile: Profile, file_id: int, error: InvalidValueError) -> None:
    """The file stands aside, with the place that could not be read."""
    said: Any = error.details
    finding = Finding(
        error.error_code, Severity.REFUSED, said.get("line_no"), field=str(said.get("field", "")),
        found=str(said.get("found", "")), expected=str(said.get("expected", "")),
    )  # fmt: skip
    with unit_of_work(engine, profile.municipality_code) as connection:
        record_findings(connection, profile.municipality_code, file_id, [finding])
        record_file(connection, profile.municipality_code, file_id, FileStatus.REFUSED, None)
