"""ふつうの世帯: what nearly everybody does — one payment per slip, over all channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_data.city import sample
from sample_data.city.case import debit_batches

if TYPE_CHECKING:
    from sample_data.city.case import Case
    from sample_data.city.model import Notice, Slip

DEBIT_SHARE = 0.15  # of the notices with several instalments
DEBIT_ITEMS = frozenset({"901", "902", "904", "951"})
DEBIT_FAILED_SHARE = 0.03
WHOLE_YEAR_SHARE = 0.12  # of those who have a 全期 slip
PAYS_SHARE = 0.80
ELTAX_SHARE = 0.45
POSTAL_SHARE = 0.04  # of the payments by barcode
AGENT_SHARES = ((sample.DSK, 0.45), (sample.MUF, 0.76), (sample.MIZUHO, 1.0))  # cumulative
FAILURE_CODES = ("1", "1", "1", "2", "3", "4", "8", "9")


def household(case: Case) -> None:
    """ふつうの世帯: about four instalments of several levies; most are paid once and in time."""
    rng = case.rng
    owed = [levy for levy in sample.LEVIES if rng.random() < levy.share]
    for levy in owed or [sample.LEVY["999"]]:
        debit = levy.item_code in DEBIT_ITEMS and rng.random() < DEBIT_SHARE
        notice = case.notice(
            levy.item_code,
            debit=debit,
            slips=not debit,
            whole_year=not debit and rng.random() < levy.whole_year,
        )
        if debit:
            _debited(case, notice)
        elif notice.whole_year and rng.random() < WHOLE_YEAR_SHARE:
            pay(case, notice.slip(0))
        elif rng.random() < PAYS_SHARE:
            _pays_terms(case, notice)


def _pays_terms(case: Case, notice: Notice) -> None:
    """期別納付: the first instalment, sometimes the next ones with it, in order."""
    draw = case.rng.random()
    count = 1 if draw < 0.7 else 2 if draw < 0.9 else len(notice.instalments)
    for part in notice.instalments[:count]:
        if part.amount_yen:
            pay(case, notice.slip(int(part.term)))


def _debited(case: Case, notice: Notice) -> None:
    """口座振替: one instalment per debit; a few fail."""
    batches = debit_batches(case.city.days)
    for batch, part in zip(range(len(batches)), notice.instalments, strict=False):
        if not part.amount_yen:
            continue
        if case.rng.random() < DEBIT_FAILED_SHARE:
            case.debit(
                notice, batch + 1, batch, "debit_failed", code=case.rng.choice(FAILURE_CODES)
            )
        else:
            case.debit(notice, batch + 1, batch)


def pay(case: Case, slip: Slip, day: int | None = None) -> None:
    """納付: once, over any channel, with its 速報 and 確報 as the channel reports them.

    First reported on ``day``, or on any day.
    """
    rng = case.rng
    if day is None:
        day = int(rng.random() * case.city.days)
    if not slip.has_barcode or rng.random() < ELTAX_SHARE:
        if rng.random() < 0.5:
            case.confirm(case.eltax(slip, day, kind="1"), day + 1)
        else:
            case.eltax(slip, day)
    elif rng.random() < POSTAL_SHARE:
        case.konbini(slip, day, kind="12")
    else:
        draw = rng.random()
        agent = next(agent for agent, below in AGENT_SHARES if draw < below)
        line = case.konbini(slip, day, agent=agent)
        case.confirm(line, day + (1 if rng.random() < 0.6 else 2))
