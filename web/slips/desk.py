"""納付書の画面の中身: one slip with its standing, and what may be done with it now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import issue
from payments.domain.errors import NotFoundError, RefusedError
from payments.print_runs import slip_to_print
from payments.slip_view import slip_view
from payments.store.municipalities import is_live
from payments.versions import as_day
from qr.layout.slip_page import PrintProfile
from web import stale
from web.printing.pages import slip_page
from web.printing.picture import slip_picture
from web.slip_forms import own_layouts

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile
    from payments.print_runs import RunSlip
    from payments.slip_view import SlipVersion, SlipView
    from payments.versions import Act, SlipDraft

VALID, EXPIRED, SETTLED = "valid", "expired", "settled"
SUPERSEDED, REVOKED = "superseded", "revoked"


@dataclass(frozen=True, slots=True)
class Payment:
    """収納 on just this slip."""

    file_id: int
    line_no: int
    stage: str
    channel: str
    amount_yen: int
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class DeskSlip:
    """窓口の納付書: everything that somebody at the counter has to know about it."""

    slip_id: int
    notice_id: int
    view: SlipView
    version: SlipVersion
    standing: str
    payments: tuple[Payment, ...]
    draft: SlipDraft | None  # what a reissue would say; None where none may be issued
    refusal: str  # why not, as a stable code
    may_revoke: bool

    @property
    def shown(self) -> str:
        """画面の版, for the forms of this page."""
        return stale.shown(self.version, self.view.to_pay_yen, self.draft)


def desk_slip(connection: Connection, profile: Profile, slip_id: int, act: Act) -> DeskSlip:
    """窓口の納付書 as it stands; :class:`NotFoundError` ``slip``."""
    code = profile.municipality_code
    row = _slip_row(connection, code, slip_id)
    view = slip_view(connection, code, row.slip_no)
    version = next(each for each in view.versions if each.slip_id == slip_id)
    current = [each.slip_id for each in view.versions if each.state == "new"][-1:] == [slip_id]
    draft, refusal = None, ""
    try:
        draft = issue.reissue_preview(connection, profile, row.slip_no, act)
    except RefusedError as error:
        refusal = error.error_code
    return DeskSlip(
        slip_id=slip_id,
        notice_id=row.notice_id,
        view=view,
        version=version,
        standing=standing_of(version, view.to_pay_yen, act.issued_on),
        payments=_payments(connection, code, row.notice_id, slip_id),
        draft=draft,
        refusal=refusal,
        may_revoke=current,
    )


def standing_of(version: SlipVersion, to_pay_yen: int, on: date) -> str:
    """納付書の状態: a code with a name in ``slip_standing``."""
    if version.state != "new":
        return version.state
    if to_pay_yen <= 0:
        return SETTLED
    return EXPIRED if version.valid_until < on else VALID


def picture(connection: Connection, profile: Profile, slip_id: int) -> bytes:
    """納付書の画像 of one version as it was printed; one that is no longer valid says 見本.

    Raises :class:`SlipFaultsError` for a slip that must not be printed.
    """
    slip = slip_to_print(connection, profile.municipality_code, slip_id)
    live = is_live(connection, profile.municipality_code)
    return _drawn(slip, profile, sample=bool(slip.fault) or not live)


def draft_picture(
    connection: Connection, profile: Profile, slip_id: int, draft: SlipDraft
) -> bytes:
    """下見の画像: what a reissue would look like, with 見本 on it and numbers of nobody."""
    slip = slip_to_print(connection, profile.municipality_code, slip_id)
    new = replace(
        slip,
        slip_no=draft.slip_no,
        version=draft.version,
        el_number=draft.el_number,
        konbini_barcode=draft.konbini_barcode,
        amount_yen=draft.amount_yen,
        due_on=draft.due_on,
        valid_until=draft.valid_until,
    )
    return _drawn(new, profile, sample=True)


def _drawn(slip: RunSlip, profile: Profile, *, sample: bool) -> bytes:
    page = slip_page(slip, profile, profile.item(slip.item_code).layout)
    return slip_picture(page, PrintProfile(sample=sample, slip_layouts=own_layouts(profile)))


def _slip_row(connection: Connection, municipality_code: str, slip_id: int) -> Row[Any]:
    row = connection.execute(
        text(
            "SELECT slip_no, notice_id FROM slip "
            "WHERE municipality_code = :m AND slip_id = :slip_id"
        ),
        {"m": municipality_code, "slip_id": slip_id},
    ).one_or_none()
    if row is None:
        raise NotFoundError("slip", slip_no=slip_id)
    return row


def _payments(
    connection: Connection, municipality_code: str, notice_id: int, slip_id: int
) -> tuple[Payment, ...]:
    rows = connection.execute(
        text(
            "SELECT r.file_id, r.line_no, r.stage, f.channel, r.amount_yen, r.paid_on "
            "FROM receipt r JOIN source_file f ON f.municipality_code = :m "
            "AND f.file_id = r.file_id WHERE r.municipality_code = :m "
            "AND r.notice_id = :notice_id AND r.slip_id = :slip_id "
            "ORDER BY r.paid_on, r.file_id, r.line_no"
        ),
        {"m": municipality_code, "notice_id": notice_id, "slip_id": slip_id},
    )
    return tuple(
        Payment(
            row.file_id, row.line_no, row.stage, row.channel, row.amount_yen,
            None if row.paid_on is None else as_day(row.paid_on),
        )
        for row in rows
    )  # fmt: skip
