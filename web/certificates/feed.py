"""車検のための納付状況: who has paid, as of when, for machines; signed with its cut-off.

A file says for every vehicle of a year whether its tax is known to be paid, and nothing of anybody.
The signature is made with a key that follows from the installation's secret: whether a file is as
it was made, this installation can say (``kokin certificates check``).
"""

from __future__ import annotations

import csv
import hmac
import io
import json
from typing import TYPE_CHECKING, Any

from payments.domain.errors import InvalidValueError
from web.notifications import sealed_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from payments.domain.profile import Profile
    from reconcile.certificate import VehicleState
    from web.config import Settings

FORMAT = "vehicle-payments-1"
COLUMNS = ("vehicle_no", "levy_year", "state", "paid_on", "certificate_until", "arrears")


def vehicle_feed(
    settings: Settings,
    profile: Profile,
    states: Sequence[VehicleState],
    complete: dict[str, date],
    at: datetime,
) -> dict[str, Any]:
    """納付状況の資料 with its signature, ready for JSON."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "municipality_code": profile.municipality_code,
        "as_of": at.isoformat(timespec="seconds"),
        "complete_until": {name: day.isoformat() for name, day in sorted(complete.items())},
        "cut_off_on": min(complete.values()).isoformat() if complete else "",
        "count": len(states),
        "vehicles": [dict(zip(COLUMNS, _values(state), strict=True)) for state in states],
    }
    return {**content, "signature": signature(settings, content)}


def as_csv(feed: dict[str, Any]) -> bytes:
    """The same as CSV (UTF-8, CRLF); what is said of the whole stands in its last line."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for vehicle in feed["vehicles"]:
        writer.writerow([vehicle[name] for name in COLUMNS])
    whole = {name: value for name, value in feed.items() if name != "vehicles"}
    writer.writerow(["T", feed["count"], json.dumps(whole, ensure_ascii=False, sort_keys=True)])
    return buffer.getvalue().encode()


def checked(settings: Settings, data: bytes) -> dict[str, Any]:
    """検証: the feed in these bytes, JSON or CSV, when nobody has changed it.

    Raises :class:`InvalidValueError` ``feed_form`` or ``feed_signature``.
    """
    try:
        feed = _read(data.decode())
        content = {name: value for name, value in feed.items() if name != "signature"}
        said = str(feed["signature"])
        right = content["format"] == FORMAT and content["count"] == len(content["vehicles"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InvalidValueError("feed_form", found=type(error).__name__) from None
    if not right or not hmac.compare_digest(said, signature(settings, content)):
        raise InvalidValueError("feed_signature")
    return feed


def signature(settings: Settings, content: dict[str, Any]) -> str:
    """署名: HMAC-SHA256 over the canonical JSON of everything else in the file."""
    plain = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sealed_secrets.digest(settings, f"{FORMAT}|{plain}").hex()


def _values(state: VehicleState) -> tuple[object, ...]:
    return (
        state.vehicle_no, str(state.levy_year), state.state,
        state.paid_on.isoformat() if state.paid_on else "",
        state.certificate_until.isoformat() if state.certificate_until else "",
        "yes" if state.arrears else "no",
    )  # fmt: skip


def _read(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        found: dict[str, Any] = json.loads(text)
        return found
    rows = list(csv.reader(io.StringIO(text, newline="")))
    whole: dict[str, Any] = json.loads(rows[-1][2])
    vehicles = [dict(zip(rows[0], row, strict=True)) for row in rows[1:-1]]
    return {**whole, "vehicles": vehicles}
