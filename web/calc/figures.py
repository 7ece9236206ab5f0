"""計算のJSON: the answers of ``kokin calc … --json`` (interfaces that stay put)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.rates import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payments.domain.accrual import NothingDue, Segment
    from payments.domain.rates import RateTable
    from web.calc.questions import (
        DueDateAnswer,
        InstalmentsAnswer,
        LateChargeAnswer,
        RefundAnswer,
    )


def late_charge(answer: LateChargeAnswer, *, full: bool = False) -> dict[str, object]:
    """延滞金: segments, their sum and the charge; ``full``: with what they were worked out from."""
    found = answer.found
    said = {
        "segments": _segments(found.segments, full=full),
        "sum_yen": found.sum_yen,
        "charge_yen": found.charge_yen,
    }
    more = {"base_yen": found.base_yen, "nothing_due": _why(found.nothing_due)}
    return said | more if full else said


def refund_interest(answer: RefundAnswer, *, full: bool = False) -> dict[str, object]:
    """還付加算金: segments, their sum and the interest; ``full`` as above."""
    found = answer.found
    said = {
        "segments": _segments(found.segments, full=full),
        "sum_yen": found.sum_yen,
        "interest_yen": found.interest_yen,
    }
    more = {
        "start": found.starts_on.isoformat(),
        "base_yen": found.base_yen,
        "nothing_due": _why(found.nothing_due),
    }
    return said | more if full else said


def due_date(answer: DueDateAnswer) -> dict[str, object]:
    """期限の日."""
    return {"date": answer.moved_on.isoformat()}


def instalments(answer: InstalmentsAnswer) -> dict[str, object]:
    """期割."""
    return {"amounts_yen": list(answer.amounts_yen)}


def rates(table: RateTable) -> list[dict[str, object]]:
    """割合の表, with how certain each rate is and where it comes from."""
    return [
        {
            "from_year": row.from_year,
            "to_year": row.to_year,
            "regime": row.regime,
            **{f"{tier.value}_percent": _percent(row.text(tier)) for tier in Tier},
            "late_mark": row.late_mark,
            "refund_mark": row.refund_mark,
            "source": row.source,
        }
        for row in table.rows
    ]


def _segments(segments: Iterable[Segment], *, full: bool) -> list[dict[str, object]]:
    """区間."""
    more: list[dict[str, object]] = [
        {
            "tier": segment.terms.tier.value,
            "base_yen": segment.terms.base_yen,
            "left_out_percent": segment.terms.left_out_percent,
        }
        if full
        else {}
        for segment in segments
    ]
    return [
        {
            "from": segment.from_on.isoformat(),
            "to": segment.until_on.isoformat(),
            "days": segment.days,
            "rate_percent": _percent(segment.rate_percent),
            "yen": segment.yen,
            **rest,
        }
        for segment, rest in zip(segments, more, strict=True)
    ]


def _percent(text: str) -> float | None:
    """割合 as a JSON number with exactly the digits that people write: 2.4."""
    return float(text) if text else None


def _why(nothing_due: NothingDue | None) -> str | None:
    return nothing_due.value if nothing_due else None
