"""書面の検証: anybody who holds a paper sees what it said when it was issued."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from payments.store.unit_of_work import reading
from web.certificates.confirmation import Checked, body_of, check
from web.security import limiter
from web.services import services

CODE_MAX, NAME_MAX = 80, 100

verifying = Blueprint("verifying", __name__, url_prefix="/verify")


@verifying.get("")
def ask() -> str:
    """The form."""
    return render_template("certificates/verify.html", checked=None, asked=False, code="")


@verifying.post("")
@limiter.limit("10 per minute; 60 per hour")
def tell() -> str:
    """What the paper said; one answer for every code under which there is none."""
    code = request.form.get("code", "")[:CODE_MAX]
    checked = _check(code, request.form.get("name", "")[:NAME_MAX])
    return render_template(
        "certificates/verify.html",
        checked=checked,
        asked=True,
        code=code if checked is None else "",
    )


def _check(code: str, name: str) -> Checked | None:
    """Of the one body that the code begins with; without one, of nobody."""
    known = next((body for body in services().bodies if body.code == body_of(code)), None)
    if known is None:
        return None
    services().enter(known.code)
    with reading(services().engine, known.code) as connection:
        return check(connection, services().settings, known.code, code, name)
