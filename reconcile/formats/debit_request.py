"""口座振替依頼 (全銀 種別 91, 120 bytes): debits we ask a bank for (files.md 1.3).

This file only goes out. A result has the same layout, and in a request every result code is 0, so
what tells them apart is the trailer: a request has neither 済 nor 不能. Only characters that every
bank accepts are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from reconcile.formats.debit_records import (
    ASKED,
    DATA,
    END,
    HEADER,
    TRAILER,
    Batch,
    Debit,
    checked,
    group,
)
from reconcile.formats.fixed_length import split
from reconcile.formats.wrapping import Wrapping
from reconcile.formats.zengin_common import bank_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

LENGTH = HEADER.length
LAYOUTS = {"1": HEADER, "2": DATA, "8": TRAILER, "9": END}
_SPLIT = ("done_count", "done_total", "failed_count", "failed_total")


def write(batches: Iterable[Batch], wrapping: Wrapping = Wrapping()) -> bytes:  # noqa: B008 - immutable
    """口座振替依頼: a whole file with its totals, without 済 and 不能.

    Raises:
        InvalidValueError: ``record_character`` for what a bank does not take, ``record_number``
            for a number that does not fit, ``debit_amount`` or ``debit_account_form`` for an amount
            or an account that cannot be.

    """
    rows: list[bytes] = []
    for batch in batches:
        asked = [checked(debit._replace(result_code=ASKED)) for debit in batch.debits]
        for text, field in (
            (batch.consignor_name, "consignor_name"),
            (batch.bank_name, "bank_name"),
            (batch.branch_name, "branch_name"),
        ):
            bank_text(text, field)
        *head, _ = group(batch._replace(debits=asked))
        total = sum(debit.amount_yen for debit in asked)
        rows += [*head, TRAILER.write({"record_type": "8", "count": len(asked), "total": total})]
    return wrapping.join([*rows, END.write({"record_type": "9"})])


def read(data: bytes, debited_on: date) -> tuple[Batch, ...]:
    """口座振替依頼の読戻し: the batches of a file of ours; the year is that of our own record.

    Raises :class:`InvalidValueError` ``debit_request_form`` with the record and the field where the
    file is not what :func:`write` makes: another kind, another day, totals that do not tie, or a
    trailer with results in it.
    """
    found: list[Batch] = []
    head: dict[str, str] = {}
    debits: list[Debit] = []
    state = "start"
    for line_no, _offset, raw, text in split(data, LENGTH):
        kind = text[:1]
        if kind not in LAYOUTS or (state, kind) not in _NEXT or len(raw) != LENGTH:
            raise _wrong(line_no, "record_type", kind)
        values = {name: value.rstrip() for name, value in LAYOUTS[kind].values(text).items()}
        if kind == "1":
            head, debits = values, []
            if (head["kind"], head["debited_on"]) != ("91", f"{debited_on:%m%d}"):
                raise _wrong(line_no, "debited_on", head["kind"] + head["debited_on"])
        elif kind == "2":
            debits.append(_debit(line_no, values))
        elif kind == "8":
            _tie(line_no, values, debits)
            found.append(_batch(head, debited_on, debits))
        state = kind
    if state != "9":
        raise _wrong(0, "record_type", "")
    return tuple(found)


_NEXT = {
    ("start", "1"), ("1", "2"), ("1", "8"), ("2", "2"), ("2", "8"), ("8", "1"), ("8", "9"),
    ("start", "9"),
}  # fmt: skip


def _wrong(line_no: int, field: str, found: str) -> InvalidValueError:
    return InvalidValueError("debit_request_form", line_no=line_no, field=field, found=found)


def _tie(line_no: int, values: Mapping[str, str], debits: list[Debit]) -> None:
    """The trailer says what the records add up to, and nothing of a result."""
    counted = {"count": len(debits), "total": sum(debit.amount_yen for debit in debits)}
    for name, expected in {**counted, **dict.fromkeys(_SPLIT, 0)}.items():
        if _number(line_no, name, values) != expected:
            raise _wrong(line_no, name, values[name])


def _number(line_no: int, name: str, values: Mapping[str, str]) -> int:
    """The number in a field; int() would also take what no bank writes, a sign or other digits."""
    if not (values[name].isascii() and values[name].isdigit()):
        raise _wrong(line_no, name, values[name])
    return int(values[name])


def _debit(line_no: int, values: Mapping[str, str]) -> Debit:
    return Debit(
        customer_no=values["customer_no"],
        amount_yen=_number(line_no, "amount", values),
        result_code=values["result_code"],
        bank_code=values["bank_code"],
        bank_name=values["bank_name"],
        branch_code=values["branch_code"],
        branch_name=values["branch_name"],
        account_type=values["account_type"],
        account_no=values["account_no"],
        holder_name=values["holder_name"],
        new_code=values["new_code"],
    )


def _batch(head: Mapping[str, str], debited_on: date, debits: list[Debit]) -> Batch:
    return Batch(
        consignor_code=head["consignor_code"],
        consignor_name=head["consignor_name"],
        debited_on=debited_on,
        bank_code=head["bank_code"],
        bank_name=head["bank_name"],
        branch_code=head["branch_code"],
        branch_name=head["branch_name"],
        account_type=head["account_type"],
        account_no=head["account_no"],
        debits=tuple(debits),
    )
