"""ファイル形式: every format of a payment file that can be taken in.

Assessments (調定) and slip registers (納付書台帳) have commands of their own and are not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.formats import (
    debit_result,
    eltax_payment,
    eltax_remittance,
    konbini_dsk,
    konbini_mizuho120,
    konbini_muf120,
    zengin_credit,
    zengin_statement,
)

if TYPE_CHECKING:
    from reconcile.formats.contract import Format

FORMATS: tuple[Format, ...] = (
    zengin_statement.FORMAT,
    zengin_credit.FORMAT,
    debit_result.FORMAT,
    konbini_dsk.FORMAT,
    konbini_muf120.FORMAT,
    konbini_mizuho120.FORMAT,
    eltax_payment.FORMAT,
    eltax_remittance.FORMAT,
)
