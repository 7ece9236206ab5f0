"""受付結果の言い方: what a file of the banks said, line by line, for commands and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web import formatting, messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.debit.answers import Taken


def answers_data(taken: Taken) -> dict[str, Any]:
    """受付結果 as data: every line with its verdict, and the batches without an answer."""
    return {
        "file_id": taken.file_id,
        "duplicate": taken.is_duplicate,
        "lines": [
            {
                "line_no": line.answer.line_no,
                "bank_code": line.answer.bank_code,
                "debit_on": line.answer.debit_on,
                "batch_no": line.batch.batch_no if line.batch else None,
                "verdict": line.verdict,
                "count": line.answer.count,
                "amount_yen": line.answer.amount_yen,
                "more_count": line.more[0],
                "more_yen": line.more[1],
            }
            for line in taken.lines
        ],
        "silent": [
            {"batch_no": batch.batch_no, "bank_code": batch.bank_code, "debit_on": batch.debit_on}
            for batch in taken.silent
        ],
    }


def answers_lines(taken: Taken) -> Iterator[str]:
    """受付結果 as text."""
    if taken.is_duplicate:
        yield "同じファイルは取込済みです。何も変わりません。"
    for line in taken.lines:
        answer = line.answer
        asked = ""
        if line.batch is not None:
            asked = f"束{line.batch.batch_no} 請求 {_sum(line.batch.count, line.batch.amount_yen)}"
        difference = ""
        if line.batch is not None and any(line.more):
            count, yen = line.more
            difference = f"  差 {count:+,}件 {yen:+,}円"
        yield (
            f"{answer.line_no:>4}行目  {answer.bank_code}  {formatting.long_day(answer.debit_on)}  "
            f"受付 {_sum(answer.count, answer.amount_yen)}  {asked}{difference}  "
            f"{messages.label('debit_answer', line.verdict)}"
        )
    for batch in taken.silent:
        day = formatting.long_day(batch.debit_on)
        yield f"回答なし  {batch.bank_code}  {day}  束{batch.batch_no}"


def _sum(count: int, yen: int) -> str:
    return f"{count:,}件 {formatting.yen(yen)}"
