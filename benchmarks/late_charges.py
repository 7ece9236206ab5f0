"""延滞金の一括計算: many claims for one day, beside the least it must do and the pure function.

``python benchmarks/late_charges.py [--claims 10000 100000 1000000] [--sample 10000]``

Invented claims of ten years: four due dates a year, amounts from 1,000 to 300,000 yen. Every step
runs in a process of its own and is measured in processor seconds, so that other work on the
machine does not count:

floor     one pass over the claims: one division of what the claim bears, no rates
many      the late charges of all claims for one day (``payments.domain.late_charges``)
certain   the same claims paid on 200 days, worked out for booking (``reconcile.charges.due``)
one       the pure function, claim by claim: measured over a sample, projected to all claims

At the end the charges of a sample, drawn over all claims, are compared with the pure function:
they must be equal, under both ways of dropping fractions of a yen and three low tiers.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import time
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from payments.domain.accrual import FloorAt  # noqa: E402
from payments.domain.calendars import tax_due_on  # noqa: E402
from payments.domain.late_charge import LateChargeRules, PartPayment, late_charge  # noqa: E402
from payments.domain.late_charges import OverdueClaim, late_charges  # noqa: E402
from payments.domain.profile import profile_from_mapping  # noqa: E402
from reconcile.charges.due import Claim, charges_due  # noqa: E402
from reconcile.charges.waived import Waived  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = ROOT / "web" / "profiles" / "99999.toml"
STEPS = ("floor", "many", "certain", "one")
PAID_ON = date(2026, 11, 22)
MONTHS = (4, 6, 8, 12)
RULES = [LateChargeRules(months, floor_at) for months in (1, 3, None) for floor_at in FloorAt]


def main() -> None:
    """One line per size and step, then the comparison."""
    parser = argparse.ArgumentParser(description="late charges of many claims")
    parser.add_argument("--claims", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--sample", type=int, default=10_000)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _measure(options.step, options.claims[0], options.sample)
        return
    for number in options.claims:
        print(f"{number:,} claims")
        floor = 0.0
        for step in STEPS:
            command = [
                sys.executable, __file__, "--step", step, "--claims", str(number),
                "--sample", str(options.sample),
            ]  # fmt: skip
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak = map(float, done.stdout.split())
            floor = floor or seconds
            print(f"  {step:6} {seconds:8.2f} s  {seconds / floor:6.1f} × floor  {peak:5.0f} MiB")
    print(f"equal to the pure function: {_compare(options.claims[-1], options.sample):,} charges")


def _claims(number: int) -> list[OverdueClaim]:
    """The claims, the same every time."""
    rng = random.Random(7)  # noqa: S311 - invented figures, the same for every run
    dues = [tax_due_on(date(year, month, 25)) for year in range(2016, 2026) for month in MONTHS]
    return [
        OverdueClaim(rng.randrange(1_000, 300_000, 100), rng.choice(dues)) for _ in range(number)
    ]


def _paid(claims: list[OverdueClaim]) -> Iterator[Claim]:
    """The claims as the books have them, each paid at once on one of 200 days."""
    days = [PAID_ON - timedelta(days=number) for number in range(200)]
    for number, (tax_yen, due_on, _payments) in enumerate(claims):
        payment = PartPayment(days[number % len(days)], tax_yen)
        yield Claim(
            number, "01", "901", tax_yen, 0, 0, due_on, (payment,), provisional=False,
            waived=Waived(),
        )  # fmt: skip


def _measure(step: str, number: int, sample: int) -> None:
    """One step in this process: processor seconds and peak memory."""
    claims = _claims(number)
    begun = time.process_time()
    if step == "floor":
        total = sum(tax_yen * 87 // 1_000 for tax_yen, _due_on, _payments in claims)
        scale = 1.0
    elif step == "many":
        total = sum(late_charges(claims, PAID_ON))
        scale = 1.0
    elif step == "certain":
        profile = profile_from_mapping(tomllib.loads(PROFILE.read_text("utf-8")))
        total = sum(charges_due(profile, _paid(claims)).yen.values())
        scale = 1.0
    else:
        some = claims[: min(sample, number)]
        total = sum(late_charge(tax, due, PAID_ON).charge_yen for tax, due, _ in some)
        scale = number / len(some)
    seconds = (time.process_time() - begun) * scale
    if not total:
        sys.exit("nothing was charged")
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _compare(number: int, sample: int) -> int:
    """How many charges were compared; every one must be equal."""
    claims = random.Random(11).sample(_claims(number), min(sample, number))  # noqa: S311 - as above
    for rules in RULES:
        many = list(late_charges(claims, PAID_ON, rules=rules))
        one = [late_charge(tax, due, PAID_ON, rules=rules).charge_yen for tax, due, _ in claims]
        if many != one:
            sys.exit(f"not equal under {rules}")
    return len(claims) * len(RULES)


if __name__ == "__main__":
    main()
