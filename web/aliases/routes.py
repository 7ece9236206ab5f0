"""振込名義の画面: payers' names that were learned from links, until when, and forgetting one.

A name only makes suggestions stronger (R6), so one person may forget it; learning it takes two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError
from payments.domain.kana import fold_name
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.placement.credit_ask import KIND
from reconcile.suggest import aliases as names
from web import clock, messages
from web.accounts.record import record
from web.approval_roles import duty, require_asker
from web.duties import Do, holds
from web.errors import status_of
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

PAGE = 100
SOUGHT_MAX = 60

naming = Blueprint("naming", __name__, url_prefix="/staff/aliases")


@naming.get("")
@may(Do.READ_DETAILS)
def listing() -> str:
    """振込名義の一覧: what is remembered today, by name."""
    return _page()


@naming.post("/find")
@may(Do.READ_DETAILS)
def find() -> str:
    """Those of a name, as much of it as somebody has typed; names are never in an address."""
    return _page(sought=request.form.get("name", "").strip()[:SOUGHT_MAX])


@naming.post("/<int:alias_no>/forget")
@may(Do.PLACE_MONEY)
def forget(alias_no: int) -> BaseResponse | tuple[str, int]:
    """名義を忘れる, with a reason."""
    require_asker(g.user, KIND)
    code, reason = services().municipality, request.form.get("reason", "")
    try:
        with unit_of_work(services().engine, code) as connection:
            names.revoke(
                connection, code, alias_no, on=clock.today(), actor=g.user.user_name, reason=reason
            )
            record(connection, "alias_revoked", str(alias_no))
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _page(error=said, typed=(alias_no, reason)), status_of(error)
    return redirect(url_for("naming.listing"), 303)


def _page(*, sought: str = "", error: str = "", typed: tuple[int, str] = (0, "")) -> str:
    number = max(request.args.get("page", 1, int), 1)
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = names.all_aliases(connection, code, on=clock.today())
    if sought:
        wanted = fold_name(sought)
        found = [alias for alias in found if wanted in alias.payer_folded]
    begin = (number - 1) * PAGE
    shown = found[begin : begin + PAGE]
    if shown:  # names beside numbers of persons: who has seen them is kept
        with unit_of_work(services().engine, code) as connection:
            record(connection, "aliases_seen", str(len(shown)))
    return render_template(
        "aliases/listing.html", rows=shown, number=number,
        of=len(found), more=len(found) > begin + PAGE, sought=sought, error=error, typed=typed,
        may_forget=holds(g.user, duty(KIND).asks), days=services().profile.alias_days,
        reason_max=REASON_MAX,
    )  # fmt: skip
