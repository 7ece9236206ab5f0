"""銀行側: the credits that follow from the 確報, and what else happens on the account.

Every remittance group is credited on its own day, so that one group per payer is open at a time
and no two sums can be mistaken for each other; the exceptions below are spread over the payers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sample_data.city import sample
from sample_data.city.model import Advice, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from sample_data.city.plan import City

SHORT_CREDIT_YEN = 777  # what the differing credit lacks
BUNDLED_DAY = 2  # the second agent pays this day's group with the next day's
NO_PAYER_CODE_DAY = 3
LATE_CREDIT_DAY = 4  # when the money of a late 確報 comes after all
UNKNOWN_NAME = "ﾌﾒｲ ﾉ ﾌﾘｺﾐﾆﾝ"


def other_movements(city: City, rng: Random) -> Iterator[Entry]:
    """口座のその他の動き: what comes and goes besides the payers, every day or once."""
    for day in range(city.days):
        yield Entry(
            day, rng.randrange(3_000, 90_000, 7), "outgoing",
            remarks="ｿｳｺﾞｳﾌﾘｺﾐ ｶﾝﾌﾟ", credit=False, transfer=False,
        )  # fmt: skip
        if day % 2:
            yield Entry(
                day, rng.randrange(100_000, 900_000), "unidentified_deposit",
                payer_name=UNKNOWN_NAME,
            )  # fmt: skip
        if day % 5 == min(2, city.days - 1):
            yield Entry(
                day, rng.randrange(1_000, 30_000, 11), "refund_returned",
                remarks="ｸﾐﾓﾄﾞｼ", transfer=False,
            )  # fmt: skip
    payer = sample.PAYERS[sample.MIZUHO]
    # On the first day no 確報 has named a day yet: a known payer without an open group.
    yield Entry(0, 12_347, "settlement_difference", payer.code, payer.name)


def credits_of_groups(city: City, advice: list[Advice]) -> Iterator[Entry]:
    """収納金の入金: one credit per remittance group on its day, with the planned exceptions."""
    fees: dict[str, int] = defaultdict(int)
    for entry in advice:
        fees[entry.number] += entry.fee_yen
    sums = _group_sums(city, late=False)
    for (stream, ref), amount in sorted(sums.items()):
        if stream == sample.ELTAX:
            yield from _remitted(city, ref, amount - fees[ref])
        else:
            yield from _collected(city, sums, stream, ref)
    if city.days > LATE_CREDIT_DAY:
        for (stream, _), amount in sorted(_group_sums(city, late=True).items()):
            yield Entry(LATE_CREDIT_DAY, amount, "settled", *sample.PAYERS[stream])


def _group_sums(city: City, *, late: bool) -> dict[tuple[str, str], int]:
    """Σ of the 確報 by payer and remittance reference; the late ones apart."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for lines in city.files.values():
        for line in lines:
            if line.in_group and line.late is late:
                sums[line.stream, line.funds_ref] += line.amount_yen
    return sums


def _remitted(city: City, number: str, net_yen: int) -> Iterator[Entry]:
    """The credit of a 払込 number; one of them lacks what its advice left out.

    On one day the bank sends no 振込依頼人コード; the number in EDI情報 names the group as well.
    """
    day = _remitted_day(city, number)
    if day is not None:
        missing = city.wrong_advice.get(number, 0)
        outcome = "settlement_difference" if missing else "settled"
        code, name = sample.PAYERS[sample.ELTAX]
        if day == NO_PAYER_CODE_DAY:
            code = ""
        yield Entry(day, net_yen - missing, outcome, code, name, edi=number)


def _collected(
    city: City, sums: dict[tuple[str, str], int], stream: str, ref: str
) -> Iterator[Entry]:
    """The credit of a day's group: bundled once by one agent, short once by another."""
    days = [day.isoformat() for day in city.dates[: city.days]]
    if ref not in days:
        return
    day, amount = days.index(ref), sums[stream, ref]
    bundles = stream == sample.MUF and city.days > BUNDLED_DAY + 1
    if bundles and day == BUNDLED_DAY and (stream, days[day + 1]) in sums:
        return
    if bundles and day == BUNDLED_DAY + 1:
        amount += sums.get((stream, days[BUNDLED_DAY]), 0)
    if stream == sample.MIZUHO and day == city.days - 1:
        yield Entry(day, amount - SHORT_CREDIT_YEN, "settlement_difference", *sample.PAYERS[stream])
    elif stream == sample.DEBIT:
        yield Entry(
            day, amount, "settled", *sample.PAYERS[stream], remarks="ｺｳｻﾞﾌﾘｶｴ", transfer=False
        )
    else:
        yield Entry(day, amount, "settled", *sample.PAYERS[stream])


def _remitted_day(city: City, ref: str) -> int | None:
    """The day index of a 払込 number (``RYYYYMMDD-NN``), None when it lies beyond the city's."""
    days = {f"R{day:%Y%m%d}": n for n, day in enumerate(city.dates[: city.days])}
    return days.get(ref.partition("-")[0])


def advice_of(city: City) -> list[Advice]:
    """払込明細: per number, channel and item what the 確報 add up to, less the agreed fee."""
    counts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (_, stream, _), lines in city.files.items():
        if stream != sample.ELTAX:
            continue
        for line in lines:
            if line.in_group:
                part = counts[line.funds_ref, line.operator.partition(":")[0], line.key[31:]]
                part[0] += 1
                part[1] += line.amount_yen
    result = []
    for (number, channel, item_code), (confirmed, confirmed_yen) in sorted(counts.items()):
        day = _remitted_day(city, number)
        if day is None:
            continue
        missing = city.wrong_advice.get(number, 0)
        count, gross = confirmed - (1 if missing else 0), confirmed_yen - missing
        fee = 0 if missing else min(sample.ADVISED_FEE_YEN.get(channel, 0) * count, gross)
        outcome = "advice_difference" if missing else "advised"
        result.append(Advice(day, number, channel, item_code, count, gross, fee, outcome))
    return result
