"""還付の承認: what two people decide about money that goes back, told and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.domain.overpayment import OverpaymentReason
from reconcile.refunds import appropriate, decide, release, withdraw
from reconcile.refunds.batch_events import HANDED_OUT
from web import clock, formatting, messages
from web.days.sheet import columns_of, sheet_of
from web.language import translate as _
from web.refunds.words import reason_words
from web.texts import approvals as words

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from web.days.sheet import Cell, Sheet

BATCH_KINDS = (release.KIND, withdraw.KIND)
REFUND_KINDS = (decide.KIND, decide.CANCEL, *BATCH_KINDS)
KINDS = (appropriate.KIND, *REFUND_KINDS)


# ---- done ----


def _appropriate(connection: Connection, profile: Profile, approval: Approval) -> None:
    appropriate.carry_out(connection, profile, approval, on=clock.today())


def _refund(connection: Connection, profile: Profile, approval: Approval) -> None:
    decide.carry_out(connection, profile, approval, on=clock.today())


def _cancel(connection: Connection, profile: Profile, approval: Approval) -> None:
    decide.cancel(connection, profile, approval, on=clock.today())


def _release(connection: Connection, profile: Profile, approval: Approval) -> None:
    release.release(connection, profile, approval, on=clock.today())


def _withdraw(connection: Connection, profile: Profile, approval: Approval) -> None:
    withdraw.withdraw(connection, profile, approval, on=clock.today())


EFFECTS: dict[str, Callable[[Connection, Profile, Approval], None]] = {
    appropriate.KIND: _appropriate,
    decide.KIND: _refund,
    decide.CANCEL: _cancel,
    release.KIND: _release,
    withdraw.KIND: _withdraw,
}


# ---- told ----


def content_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    """依頼の内容 as it would be asked for now; raises what the asking raises."""
    said, code = approval.content, profile.municipality_code
    if approval.kind == appropriate.KIND:
        return appropriate.content_now(connection, profile, approval)
    if approval.kind == decide.CANCEL:
        return decide.cancel_content(connection, code, int(said["refund_no"]))
    if approval.kind == release.KIND:
        return release.release_content(connection, code, int(said["batch_no"]))
    if approval.kind == withdraw.KIND:
        return withdraw.content_now(connection, profile, approval)
    return decide.content_again(connection, profile, said, clock.today())


def told(approval: Approval) -> tuple[str, tuple[Sheet, ...]]:
    """一文と内容の表 of a refund, its cancellation, or a batch for the bank."""
    content = approval.content
    rows: list[tuple[Cell, ...]]
    if approval.kind == decide.KIND:
        rows = [
            (_("過誤納"), content["place"]),
            (_("理由"), reason_words(OverpaymentReason(content["reason"]))),
            (_("還付する額"), formatting.yen(content["amount_yen"])),
            (_("還付加算金"), formatting.yen(content["interest_yen"])),
            (_("加算の始まり"), formatting.long_day(content["interest_from_on"])),
            (_("還付先"), content["account"]),
        ]
        rows += [
            (
                _("充当した {yen}（{day}まで）", yen=formatting.yen(each["amount_yen"]),
                  day=formatting.long_day(each["ends_on"])),
                formatting.yen(each["interest_yen"]),
            )
            for each in content.get("bears", ())
        ]  # fmt: skip
        if content.get("paid_before_yen"):
            rows.append(
                (
                    _("取り消した充当について支払済みの加算金（差引）"),
                    formatting.yen(-content["paid_before_yen"]),
                )
            )
        if content["out_from_on"]:
            span = [formatting.long_day(content[name]) for name in ("out_from_on", "out_until")]
            rows.append(
                (_("計算に入れない期間"), _("{first}から{last}", first=span[0], last=span[1]))
            )
    elif approval.kind == decide.CANCEL:
        rows = [
            (_("還付"), str(content["refund_no"])),
            (_("還付する額"), formatting.yen(content["amount_yen"])),
        ]
    else:
        rows = [
            (_("振込データ"), str(content["batch_no"])),
            (_("振込日"), formatting.long_day(content["transfer_on"])),
            (_("件数"), formatting.count(content["count"])),
            (_("還付する額"), formatting.yen(content["amount_yen"])),
            (_("還付加算金"), formatting.yen(content["interest_yen"])),
            (_("振込額の合計"), formatting.yen(content["total_yen"])),
            (_("ファイルのハッシュ（SHA-256）"), content["file_sha256"]),
        ]
        if approval.kind == withdraw.KIND:
            rows.append((_("状態"), messages.label("batch_state", content["state"])))
            rows += [(_("止めたと確認した相手"), content["stopped"])] if content["stopped"] else []
    sheet = sheet_of(
        "content", words.TITLES["content"], columns_of("項目", "値"), rows, adds_up=False
    )
    return words.EFFECTS[approval.kind].format(**content), (sheet,)


def warnings_of(approval: Approval) -> tuple[str, ...]:
    """注意: what the second person should make sure of first."""
    if approval.kind == withdraw.KIND and approval.content["state"] == HANDED_OUT:
        return (
            _(
                "この振込ファイルは引渡済みです。銀行が振込を止めたことを確かめてから承認してください。"
            ),
        )
    return ()


def subject_words(approval: Approval) -> str:
    """対象 as people say it: the claim, the refund or the batch."""
    if approval.kind in BATCH_KINDS:
        return _("振込データ {number}", number=approval.content["batch_no"])
    if approval.kind == decide.CANCEL:
        return _("還付 {number}", number=approval.content["refund_no"])
    return str(approval.content["place"])


def place_of(approval: Approval) -> tuple[str, dict[str, Any]]:
    """開くページ: the endpoint and its values."""
    if approval.kind in BATCH_KINDS:
        return "refunds.batch", {"batch_no": approval.content["batch_no"]}
    if approval.kind == decide.CANCEL:
        return "refunds.one", {"refund_no": approval.content["refund_no"]}
    subject = approval.content["overpayment" if approval.kind == appropriate.KIND else "subject"]
    return "refunds.show", {"subject": subject}
