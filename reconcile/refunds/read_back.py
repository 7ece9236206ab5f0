"""振込ファイルの読直し: what was written for the bank says what was meant, or nothing is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import RefusedError
from reconcile.formats.zengin_transfer import DATA, TRAILER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.formats.zengin_transfer import Transfer


def require_as_meant(data: bytes, transfers: Sequence[Transfer]) -> None:
    """The file says what was meant, and its trailer ties; :class:`RefusedError` ``batch_file``."""
    _header, *records, trailer, _end = data.decode("shift_jis").split("\r\n")[:-1]
    said = []
    for record in records:
        place = DATA.slices
        names = ("bank_code", "branch_code", "account_type", "account_no", "payee_name", "amount")
        said.append(tuple(record[place[name]].rstrip() for name in names))
    meant = [
        (
            each.bank_code,
            each.branch_code,
            each.account_type,
            each.account_no,
            each.payee_name,
            f"{each.amount_yen:010d}",
        )
        for each in transfers
    ]
    totals = (int(trailer[TRAILER.slices["count"]]), int(trailer[TRAILER.slices["total"]]))
    if said != meant or totals != (len(meant), sum(each.amount_yen for each in transfers)):
        raise RefusedError("batch_file")
