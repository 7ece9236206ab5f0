"""宛先の確認: whether a file that came by a channel's door is that channel's and this body's.

What lies in the folder of another channel was put there by mistake, or is not what its sender says;
what names another municipality on every line was sent to the wrong one. Neither is booked before a
person has looked (law.md 9, I10: nobody noticed what came by which way). A single foreign line in a
file of ours is another thing: it is decided by the rules (outcomes.md 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading as read_only
from reconcile.formats.detect import detect
from reconcile.intake import keep_evidence
from reconcile.model import Channel, Finding, KeyKind, ReadContext, Severity
from reconcile.pipeline import duplicate, set_aside, take_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Engine

    from payments.domain.profile import Profile
    from reconcile.model import Delivery, FileReport, ReportLine

_OF_SLIPS = frozenset({Channel.KONBINI, Channel.ELTAX, Channel.DEBIT})


def take_in_addressed(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    claim: str,
    received_on: date,
    actor: str,
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """取込 of a file that came by a door; ``claim`` is the channel of the door, "" where none is.

    As :func:`reconcile.pipeline.take_in`; what is wrongly addressed is kept with the finding.
    """
    with read_only(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
    finding = misaddressed(delivery.data, profile, received_on, claim)
    if finding is None:
        return take_in(
            engine,
            municipality_code,
            delivery,
            received_on=received_on,
            actor=actor,
            progress=progress,
        )
    kept = keep_evidence(engine, municipality_code, delivery, received_on=received_on)
    if kept.is_duplicate:
        return duplicate(delivery, kept)
    return set_aside(engine, profile, delivery, kept, [finding], None)


def misaddressed(data: bytes, profile: Profile, received_on: date, claim: str) -> Finding | None:
    """The finding that stops a file at the door, or None; reads no further than it must."""
    found = detect(data, profile)
    if isinstance(found, Finding):
        return None  # What it is instead says its intake.
    if claim and claim != found.channel:
        return Finding("other_channel", Severity.FATAL, found=str(found.channel), expected=claim)
    if found.channel not in _OF_SLIPS:
        return None
    first: ReportLine | None = None
    reading = found.read(data, ReadContext(received_on, profile))
    for line in reading.lines:
        if line.is_ours or line.fault is not None:
            return None
        first = first or line
    if first is None or reading.failed:
        return None
    return Finding(
        "other_municipality_file",
        Severity.REFUSED,
        line_no=first.line_no,
        byte_offset=first.byte_offset,
        found=(first.slip_key or "")[:5],
        expected=_ours(first.key_kind, profile),
    )


def _ours(key_kind: str, profile: Profile) -> str:
    """With what the numbers of this municipality begin."""
    return {
        KeyKind.EL: profile.collecting_body_code,
        KeyKind.KONBINI: profile.konbini_client_code,
        KeyKind.DEBIT: profile.debit_prefix,
    }.get(KeyKind(key_kind), profile.municipality_code)
