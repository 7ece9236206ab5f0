"""まとめ取込: several small files at once, each with its own evidence, lines and journal.

A file costs its transactions whatever it holds, and a notification holds one line. What arrives in
quick succession therefore shares them: one commit for the evidence of all, one for the decisions.
Each file goes the way of :func:`reconcile.pipeline.take_in`, in the order given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import OperationalError

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.intake import decided_meanwhile, keep_bytes
from reconcile.model import Delivery, FileReport, ReadContext
from reconcile.pipeline import FileRun, duplicate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile
    from reconcile.formats.contract import Format
    from reconcile.intake import Kept


class Incoming(NamedTuple):
    """届いたもの: one small file, the day it came (dates without a year), and who sent it."""

    delivery: Delivery
    received_on: date
    actor: str


def take_in_together(
    engine: Engine,
    municipality_code: str,
    incoming: Sequence[Incoming],
    file_format: Format,
    note: Callable[[Connection, int, FileReport], None],
) -> list[FileReport | None]:
    """まとめ取込 of files of one format; per file its report, or None when it was not taken in.

    ``note`` gets each report with the file's place in ``incoming``, in the transaction that took it
    in. A file that is not taken in leaves nothing but its evidence, concerns no other, and is to be
    given to ``take_in`` by itself, which says why. Raises what SQLAlchemy raises when the database
    is in trouble; then none is taken in.
    """
    with unit_of_work(engine, municipality_code) as connection:
        kept = [
            keep_bytes(connection, municipality_code, each.delivery, received_on=each.received_on)
            for each in incoming
        ]
    reports: list[FileReport | None] = []
    with unit_of_work(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
        for place, (each, evidence) in enumerate(zip(incoming, kept, strict=True)):
            try:
                with connection.begin_nested():
                    report = _take_in(connection, profile, each, evidence, file_format)
                    note(connection, place, report)
            except OperationalError:
                raise  # A full disk, or a server that is gone: no other file would fare better.
            except Exception:  # noqa: BLE001 - `take_in` meets it again, and says what it is
                reports.append(None)
            else:
                reports.append(report)
    return reports


def _take_in(
    connection: Connection, profile: Profile, incoming: Incoming, kept: Kept, file_format: Format
) -> FileReport:
    """One file, in the transaction of all."""
    delivery = incoming.delivery
    if kept.is_duplicate or decided_meanwhile(connection, profile.municipality_code, kept):
        return duplicate(delivery, kept)
    found = file_format.read(delivery.data, ReadContext(incoming.received_on, profile))
    run = FileRun(connection, profile, kept.file_id, incoming.received_on, incoming.actor)
    report = run.reconcile(found, delivery, kept, None)
    return replace(report, label_ja=file_format.label_ja)
