"""壊れた資料: one file of every kind that must not be taken in (outcomes.md 10).

A faulty file is a damaged copy under a name of its own; the good one is delivered as well, so that
no line is lost. Nothing of a faulty file counts, which is why none of them is in ``truth.csv``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats import eltax_payment
from sample_data.city.files import File, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sample_data.city.plan import City

QUARANTINED, REFUSED = "quarantined", "refused"
OTHER_ACCOUNT_NO = b"7654321"


class Fault(NamedTuple):
    """壊し方: which file is copied, what is done to its bytes, and what the copy must get."""

    label: str  # part of the file name
    source: str  # how the name of the good file begins
    status: str
    damage: Callable[[bytes], bytes]


def _records(data: bytes) -> list[bytes]:
    return data.split(b"\r\n")[:-1]


def _whole(records: Iterable[bytes]) -> bytes:
    return b"".join(record + b"\r\n" for record in records)


def _patched(data: bytes, record: int, start: int, new: bytes) -> bytes:
    """Replace bytes of one record (0-based places, negative records count from the end)."""
    records = _records(data)
    old = records[record]
    records[record] = old[:start] + new + old[start + len(new) :]
    return _whole(records)


def truncated(data: bytes) -> bytes:
    """転送が途中で切れた: the file ends inside a record."""
    return data[: len(data) * 2 // 3 // 122 * 122 + 57]


def end_missing(data: bytes) -> bytes:
    """エンドレコードがない: everything but the last record."""
    return _whole(_records(data)[:-1])


def wrong_total(data: bytes) -> bytes:
    """トレーラの合計違い: one yen more than the lines have."""
    *rest, trailer = _records(data)
    count, total = trailer.split(b",")[1:]
    return _whole([*rest, b"T,%s,%d" % (count, int(total) + 1)])


def wrong_balance(data: bytes) -> bytes:
    """残高が合わない: the balance before is not what the movements start from."""
    return _patched(data, 0, 115, b"00000000000001")


def two_formats(data: bytes) -> bytes:
    """二つの形式が一つのファイルに: a payment file and a remittance file, one after the other."""
    other = (
        b"remittance_no,remitted_on,channel,item_code,count,gross_yen,fee_yen,net_yen\r\nT,0,0\r\n"
    )
    return data + other


def with_bom(data: bytes) -> bytes:
    """BOM付き: three bytes before a record of fixed length."""
    return b"\xef\xbb\xbf" + data


def full_width(data: bytes) -> bytes:
    """全角文字: a name in two-byte characters."""
    return _patched(data, 1, 81, "みほん".encode("cp932"))


def ebcdic_flag(data: bytes) -> bytes:
    """コード区分がEBCDIC."""
    return _patched(data, 0, 3, b"1")


def _amount(data: bytes, text: bytes) -> bytes:
    """Replace the amount of the first payment."""
    head, first, *rest = _records(data)
    fields = first.split(b",")
    fields[5] = text
    return _whole([head, b",".join(fields), *rest])


def negative_amount(data: bytes) -> bytes:
    """負の金額."""
    return _amount(data, b"-12300")


def too_long_amount(data: bytes) -> bytes:
    """桁が多すぎる金額."""
    return _amount(data, b"1" * 18)


def debit_request(data: bytes) -> bytes:
    """口座振替の依頼: every code 0 and no split in the trailer, so nothing was debited yet."""
    records = _records(data)
    for n, record in enumerate(records):
        if record.startswith(b"2"):
            records[n] = record[:111] + b"0" + record[112:]
        elif record.startswith(b"8"):
            records[n] = record[:19] + b"0" * 36 + record[55:]
    return _whole(records)


def other_kind(data: bytes) -> bytes:
    """給与振込のファイル: another kind of the same family."""
    return _patched(data, 0, 1, b"11")


def other_account(data: bytes) -> bytes:
    """知らない口座: an account that no profile names."""
    return _patched(data, 0, 66, OTHER_ACCOUNT_NO)


def time_deposit(data: bytes) -> bytes:
    """定期預金の明細: another data record stands there."""
    return _patched(data, 0, 62, b"6")


def error_answer(data: bytes) -> bytes:  # noqa: ARG001 - as the others
    """エラー応答: what the agent sends instead of data."""
    return b"error:E0012 no data available\r\n"


def after_trailer(data: bytes) -> bytes:
    """トレーラの後にデータ."""
    records = _records(data)
    return _whole([*records, records[1]])


def net_differs(data: bytes) -> bytes:
    """差引額が合わない: net is not gross less fee."""
    *head, first, trailer = _records(data)
    *fields, net = first.split(b",")
    count, total = trailer.split(b",")[1:]
    first = b",".join((*fields, b"%d" % (int(net) - 1)))
    return _whole([*head, first, b"T,%s,%d" % (count, int(total) - 1)])


def column_missing(data: bytes) -> bytes:
    """列が足りない."""
    head, first, *rest = _records(data)
    return _whole([head, first.rpartition(b",")[0], *rest])


def unknown_format(data: bytes) -> bytes:  # noqa: ARG001 - as the others
    """どの形式でもない: a covering letter."""
    return "収納データを送付します。\r\nみほん収納サービス\r\n".encode("cp932")


FAULTS = (
    Fault("kireta", "konbini_muf120", QUARANTINED, truncated),
    Fault("kireta", "zengin_statement", QUARANTINED, truncated),
    Fault("end_nashi", "konbini_mizuho120", QUARANTINED, end_missing),
    Fault("gokei_chigai", "eltax_payment", QUARANTINED, wrong_total),
    Fault("zandaka_chigai", "zengin_statement", QUARANTINED, wrong_balance),
    Fault("futatsu", "eltax_payment", REFUSED, two_formats),
    Fault("bom", "zengin_statement", QUARANTINED, with_bom),
    Fault("zenkaku", "zengin_statement", QUARANTINED, full_width),
    Fault("ebcdic", "zengin_statement", REFUSED, ebcdic_flag),
    Fault("mainasu", "eltax_payment", QUARANTINED, negative_amount),
    Fault("keta_ofure", "eltax_payment", QUARANTINED, too_long_amount),
    Fault("irai", "debit_result", REFUSED, debit_request),
    Fault("kyuyo", "debit_result", REFUSED, other_kind),
    Fault("shiranai_koza", "zengin_statement", REFUSED, other_account),
    Fault("teiki", "zengin_statement", REFUSED, time_deposit),
    Fault("error", "konbini_dsk", REFUSED, error_answer),
    Fault("retsu", "konbini_dsk", QUARANTINED, column_missing),
    Fault("trailer_go", "eltax_payment", QUARANTINED, after_trailer),
    Fault("sashihiki", "eltax_remittance", QUARANTINED, net_differs),
    Fault("okurijo", "konbini_dsk", REFUSED, unknown_format),
)


def planned(city: City, good: Sequence[File]) -> list[File]:
    """Every faulty file, spread over the days, besides a file sent twice and two nil reports."""
    files: list[File] = []
    for turn, fault in enumerate(FAULTS):
        source = _source(good, fault.source, turn % city.days)
        if source is not None:
            stem, _, suffix = source.name.rpartition(".")
            name = f"{stem}_x_{fault.label}.{suffix}"
            files.append(File(source.day, name, _damaged(source, fault), fault.status))
    twice = _source(good, "konbini_dsk", 0)
    if twice is not None:
        name = twice.name.replace(".csv", "_z_saiso.csv")
        files.append(File(twice.day, name, _again(twice), "duplicate_file"))
    for day in range(min(2, city.days)):
        name = f"eltax_payment_{city.dates[day]:%Y%m%d}_gaito_nashi.csv"
        files.append(File(day, name, lambda: Written(eltax_payment.write([]), [])))
    return files


def _source(good: Sequence[File], prefix: str, day: int) -> File | None:
    """The first good file of this kind on or after a day, else any."""
    fitting = sorted(
        (f for f in good if f.name.startswith(prefix) and "again" not in f.name),
        key=lambda f: (f.day < day, f.day, f.name),
    )
    return fitting[0] if fitting else None


def _damaged(source: File, fault: Fault) -> Callable[[], Written]:
    return lambda: Written(fault.damage(source.write().data), [])


def _again(source: File) -> Callable[[], Written]:
    return lambda: Written(source.write().data, [])
