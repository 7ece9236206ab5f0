"""印刷: a print run in the books, from the plan to the last page that was read back.

1. :func:`plan_run` freezes the ordered list of what needs a slip.
2. :func:`number_chunk`, again and again, gives the places of the list their slips.
3. :func:`slips_of_file` says what is on the pages of a file; :func:`record_file` that they were
   printed and read back.
4. :func:`finish` closes the run: ``printed``, or ``stopped`` when a page differs from the books.

A run that was cut off anywhere goes on where it stood: nothing is lost, nothing is doubled.
"""

from __future__ import annotations

from payments.print_files import (
    FileDifference,
    PrintedFile,
    RunDifference,
    RunFile,
    RunRefusal,
    RunSlip,
    TermLine,
    differences_of_run,
    expired,
    files_of_run,
    finish,
    open_files,
    record_file,
    refusals,
    slip_to_print,
    slips_of_file,
)
from payments.print_plan import (
    PlanTotal,
    PrintRun,
    Refusal,
    RunPlan,
    discard,
    move,
    number_chunk,
    plan_run,
    plan_totals,
    recorded,
    run_of,
    runs,
    unfinished,
)
from payments.print_sections import Section
from payments.print_selection import Selection
from payments.vehicles import Vehicle

__all__ = [
    "FileDifference",
    "PlanTotal",
    "PrintRun",
    "PrintedFile",
    "Refusal",
    "RunDifference",
    "RunFile",
    "RunPlan",
    "RunRefusal",
    "RunSlip",
    "Section",
    "Selection",
    "TermLine",
    "Vehicle",
    "differences_of_run",
    "discard",
    "expired",
    "files_of_run",
    "finish",
    "move",
    "number_chunk",
    "open_files",
    "plan_run",
    "plan_totals",
    "record_file",
    "recorded",
    "refusals",
    "run_of",
    "runs",
    "slip_to_print",
    "slips_of_file",
    "unfinished",
]
