"""納付の照会: a resident asks with the four parts of the eL number (law.md 10.1).

The number travels in the body of a POST, so that it stands in no URL, history or access log. It is
recorded only as a keyed digest. A wrong number and an unknown one get the same answer.
"""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request
from sqlalchemy import insert

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import ElNumber, digits_from_text, require_digits
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.status import UNKNOWN, SlipStatus, slip_status
from web import clock
from web.language import translate as _
from web.language import translated
from web.security import limiter, source
from web.services import services
from web.tables import EnquiryLogRow

if TYPE_CHECKING:
    from payments.store.municipalities import Body

enquiries = Blueprint("enquiries", __name__)
log_table = EnquiryLogRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Part:
    """番号の一区分: a field of the form."""

    name: str
    label: str
    length: int
    value: str = ""
    error: str = ""


@enquiries.get("/")
def ask() -> str:
    """The form."""
    return render_template("enquiries/ask.html", parts=_parts(), status=None)


def _source_asked() -> str:
    """Questions are counted per body and source, …"""
    body = _body(_typed()[0].value)
    return f"{body.code if body else ''}|{source()}"


def _number_asked() -> str:
    """… and per number, wherever they come from."""
    return "number:" + _digest("number", "".join(part.value for part in _typed()))


@enquiries.post("/")
@limiter.limit("10 per minute; 60 per hour", key_func=_source_asked)
@limiter.limit("20 per hour", key_func=_number_asked)
def tell() -> str | tuple[str, int]:
    """The state of that slip, and what the answer rests on."""
    parts = _typed()
    if any(part.error for part in parts):
        return render_template("enquiries/ask.html", parts=parts, status=None), 422
    number = ElNumber(**{part.name: part.value for part in parts})
    status = _status(number)
    return render_template("enquiries/ask.html", parts=parts, status=status)


def _status(number: ElNumber) -> SlipStatus:
    """What is known of the number in the one body that its 収納機関番号 leads to.

    No other body is looked at: whether a number exists elsewhere is nobody's business.
    """
    body = _body(number.collecting_body_code)
    if body is None:
        return SlipStatus(UNKNOWN, ())
    services().enter(body.code)
    with reading(services().engine, body.code) as connection:
        status = slip_status(connection, services().profile, number.digits, today=clock.today())
    _record(number, status)
    return status


def _body(collecting_body_code: str) -> Body | None:
    """団体 that a number leads to: the only one there is, or the one with this 収納機関番号."""
    found = {body.collecting_body_code: body for body in services().bodies}
    return services().sole or found.get(collecting_body_code)


def _parts() -> list[Part]:
    """The four labelled fields, empty."""
    return [
        Part(name, translated(ElNumber.LABELS_JA[name]), length)
        for name, length in ElNumber.LENGTHS.items()
    ]


def _typed() -> list[Part]:
    """The fields as they were typed: full-width digits, spaces and hyphens are taken."""
    found = []
    for part in _parts():
        value = digits_from_text(request.form.get(part.name, "")[:60])
        try:
            require_digits(value, part.name, part.length)
            error = ""
        except InvalidValueError:
            error = _(
                "{part}は数字{length}桁で入力してください。", part=part.label, length=part.length
            )
        found.append(Part(part.name, part.label, part.length, value, error))
    return found


def _record(number: ElNumber, status: SlipStatus) -> None:
    """Every question is kept, without the number and without the address in clear."""
    with unit_of_work(services().engine, services().municipality) as connection:
        connection.execute(
            insert(log_table).values(
                municipality_code=services().municipality,
                enquiry_id=uuid.uuid4().hex,
                asked_on=clock.today(),
                asked_at=clock.now(),
                number_digest=_digest("number", number.digits),
                source_digest=_digest("source", source()),
                answer=status.state,
            )
        )


def _digest(kind: str, value: str) -> str:
    """A keyed digest: equal values can be counted, and nobody can go back to the value."""
    key = services().settings.secret().encode()
    return hmac.new(key, f"enquiry|{kind}|{value}".encode(), sha256).hexdigest()
