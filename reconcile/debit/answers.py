"""受付結果ファイル: what the banks say they took of our batches, bank by bank, from one file.

Where the values stand is described in the profile (:class:`AnswerLayout`). Evidence first; then
every line ends in one verdict with its reason, and what it says is written down beside its batch
(:func:`reconcile.debit.acknowledge.acknowledge`). A file with a line that cannot be read changes
nothing at all.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.debiting import DAY_FORMS
from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.debit import batches as books
from reconcile.debit.acknowledge import acknowledge
from reconcile.debit.batches import ACKNOWLEDGED, DIFFERS, SENT, Batch
from reconcile.formats.withheld import quoted
from reconcile.intake import decided_meanwhile, keep_evidence, record_file, record_findings
from reconcile.model import Channel, FileStatus, Finding, Reading, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine

    from payments.domain.debiting import AnswerLayout
    from payments.domain.profile import Profile
    from reconcile.debit.build import Act
    from reconcile.intake import Kept
    from reconcile.model import Delivery

FORMAT = "debit_answer"
AGREES, OTHER, NO_BATCH, NOT_SENT = "agrees", "differs", "no_batch", "not_sent"
TWICE = "twice"
VERDICTS = (AGREES, OTHER, NO_BATCH, NOT_SENT, TWICE)
_SAID = {
    OTHER: "debit_answer_differs",
    NO_BATCH: "debit_answer_no_batch",
    NOT_SENT: "debit_answer_not_sent",
    TWICE: "debit_answer_twice",
}
_FIELDS = {
    "encoding": "文字コード",
    "bank_code": "銀行番号",
    "debit_on": "引落日",
    "count": "件数",
    "amount_yen": "金額",
    "round": "初回・再振替",
}
# As many digits as the books keep of each; no bank takes a thousand million debits on a day.
_DIGITS = {"count": re.compile(r"[0-9]{1,9}"), "amount_yen": re.compile(r"[0-9]{1,12}")}


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
    # The mark at the beginning of a file is no part of its lines, and has been taken off.
    encoding = layout.encoding.removesuffix("-sig")
    wide = line.encode(encoding)
    for name, place in layout.places().items():
        if layout.separator:
            if int(place) > len(columns):
                raise _bad(line_no, name, quoted("truncated", "", line), place)
            value = columns[int(place) - 1]
        else:
            first, last = (int(part) for part in place.split("-"))
            if last > len(wide):
                raise _bad(line_no, name, quoted("truncated", "", line), place)
            value = wide[first - 1 : last].decode(encoding, "replace")
        found[name] = value.strip().strip('"').strip()
    return found


def _answer(line_no: int, said: dict[str, str], layout: AnswerLayout, today: date) -> Answer:
    bank_code = said["bank_code"]
    if not re.fullmatch(r"[0-9]{4}", bank_code):
        raise _bad(line_no, "bank_code", bank_code, "0000")
    numbers = {}
    for name, digits in _DIGITS.items():
        plain = said[name].replace(",", "")
        if not digits.fullmatch(plain):
            raise _bad(line_no, name, said[name], "0-9")
        numbers[name] = int(plain)
    round_ = said.get("round", "0")
    if round_ not in {"0", "1", "2"}:
        raise _bad(line_no, "round", round_, "1 / 2")
    day = _day(line_no, said["debit_on"], layout.day_form, today)
    return Answer(line_no, bank_code, day, numbers["count"], numbers["amount_yen"], int(round_))


def _day(line_no: int, value: str, form: str, today: date) -> date:
    """引落日; one without its year is the nearest to today, of the years that have such a day."""
    years = (today.year - 1, today.year, today.year + 1)
    try:
        if DAY_FORMS[form]:
            return datetime.strptime(value, DAY_FORMS[form]).date()  # noqa: DTZ007 - a day
        month, day = int(value[:2]), int(value[2:])
        leap = (month, day) == (2, 29)
        near = [date(year, month, day) for year in years if isleap(year) or not leap]
        return min(near, key=lambda each: abs((each - today).days))
    except ValueError:  # of min, too: none of these years has such a day
        raise _bad(line_no, "debit_on", value, form) from None


def _bad(line_no: int, field: str, found: str, expected: str) -> InvalidValueError:
    return InvalidValueError(
        "debit_answer_line", line_no=line_no, field=_FIELDS[field], found=found, expected=expected
    )


# ---- comparing and writing down ----


def compare(
    connection: Connection, municipality_code: str, answers: Iterable[Answer]
) -> list[Compared]:
    """照合: each answer with the one batch in force of its bank, day and round.

    Of several lines about one batch the first counts; none does where they contradict each other.
    """
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
    return _once(found)


def _once(lines: Iterable[Compared]) -> list[Compared]:
    """一つの束に一行: every further line about a batch, or all of them, is one too many."""
    found: list[Compared] = []
    said: dict[int, list[tuple[int, int]]] = defaultdict(list)
    lines = list(lines)
    for line in lines:
        if line.batch is not None:
            said[line.batch.batch_no].append((line.answer.count, line.answer.amount_yen))
    seen: set[int] = set()
    for line in lines:
        number = line.batch.batch_no if line.batch is not None else 0
        if number and (number in seen or len(set(said[number])) > 1):
            found.append(line._replace(verdict=TWICE))
        else:
            found.append(line)
        seen.add(number)
    return found


def take_answers(engine: Engine, municipality_code: str, delivery: Delivery, act: Act) -> Taken:
    """受付結果の取込: evidence, then every answer beside its batch; once for the same bytes.

    The same bytes again speak of the batches that were not sent, or not there, when they came
    first. Raises what :func:`read_answers` raises; the file then stands aside with that finding,
    unless its bytes are in the books already, as whatever they were: that is left as it is.
    """
    with reading(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
    kept = keep_evidence(engine, municipality_code, delivery, received_on=act.today)
    try:
        answers = read_answers(delivery.data, profile.debit.answers, act.today)
    except InvalidValueError as error:
        _aside(engine, profile, kept, error)
        raise
    with unit_of_work(engine, municipality_code) as connection:
        again = kept.is_duplicate or decided_meanwhile(connection, municipality_code, kept)
        lines = compare(connection, municipality_code, answers)
        said = _said(connection, municipality_code, kept, lines, again=again)
        for batch, answer in said:
            acknowledge(
                connection, municipality_code, batch.batch_no, answer.count, answer.amount_yen,
                act, note=f"{delivery.name} {answer.line_no}行目",
            )  # fmt: skip
        if not again:
            sums = Reading(
                FORMAT, Channel.REGISTER, iter(()), count=len(lines),
                amount_yen=sum(line.answer.amount_yen for line in lines),
            )  # fmt: skip
            record_file(connection, municipality_code, kept.file_id, FileStatus.ACCEPTED, sums)
            record_findings(connection, municipality_code, kept.file_id, _findings(lines))
        silent = _silent(connection, municipality_code, lines)
    return Taken(kept.file_id, again and not said, tuple(lines), silent)


def _said(
    connection: Connection,
    municipality_code: str,
    kept: Kept,
    lines: Iterable[Compared],
    *,
    again: bool,
) -> list[tuple[Batch, Answer]]:
    """記録する回答, each with its batch.

    Of bytes that were taken in before, those about a bank, day and round of which nothing was said
    yet: an answer to a batch is no answer to the one that takes its place.
    """
    found = [
        (line.batch, line.answer)
        for line in lines
        if line.batch is not None and line.verdict in {AGREES, OTHER}
    ]
    if not again:
        return found
    was_answers = connection.execute(
        text(
            "SELECT 1 FROM source_file WHERE municipality_code = :m AND file_id = :file_id "
            "AND format_code = :format_code"
        ),
        {"m": municipality_code, "file_id": kept.file_id, "format_code": FORMAT},
    ).first()
    spoken = {
        (batch.debit_on, batch.bank_code, batch.round)
        for day in {batch.debit_on for batch, _ in found}
        for batch in books.batches_on(connection, municipality_code, day, in_force=False)
        if batch.acknowledged is not None
    }
    return [
        (batch, answer)
        for batch, answer in found
        if was_answers and (batch.debit_on, batch.bank_code, batch.round) not in spoken
    ]


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
    spoken = {line.batch.batch_no for line in lines if line.batch and line.verdict != TWICE}
    return tuple(
        batch
        for day in days
        for batch in books.batches_on(connection, municipality_code, day)
        if batch.batch_no not in spoken and batch.state not in {ACKNOWLEDGED, DIFFERS}
    )


def _aside(engine: Engine, profile: Profile, kept: Kept, error: InvalidValueError) -> None:
    """The file stands aside, with the place that could not be read.

    Bytes that were accepted before, as answers or as anything else, stay what they are: their lines
    and postings stand in the books.
    """
    if kept.is_duplicate:
        return
    said: Any = error.details
    finding = Finding(
        error.error_code, Severity.REFUSED, said.get("line_no"), field=str(said.get("field", "")),
        found=str(said.get("found", "")), expected=str(said.get("expected", "")),
    )  # fmt: skip
    with unit_of_work(engine, profile.municipality_code) as connection:
        if decided_meanwhile(connection, profile.municipality_code, kept):
            return
        record_file(connection, profile.municipality_code, kept.file_id, FileStatus.REFUSED, None)
        record_findings(connection, profile.municipality_code, kept.file_id, [finding])
