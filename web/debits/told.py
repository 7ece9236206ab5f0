"""口座振替の依頼の物語: what the second person sees before deciding about a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.debit import release
from web import formatting, messages
from web.language import translate as _

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile


def debit_subject(approval: Approval) -> str:
    """対象 as people say it: the day, the bank, the round."""
    content = approval.content
    return _(
        "{day} {bank} {round}（束 {number}）",
        day=formatting.long_day(str(content["debit_on"])),
        bank=f"{content['bank_code']} {formatting.wide(str(content['bank_name'])).strip()}",
        round=messages.label("debit_round", str(content["round"])),
        number=content["batch_no"],
    )


def debit_told(
    _connection: Connection, _profile: Profile, approval: Approval
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """内容 as names and values, and what to be warned of."""
    content = approval.content
    facts = [
        (_("引落日"), formatting.long_day(str(content["debit_on"]))),
        (_("件数"), formatting.count(int(content["count"]))),
        (_("金額"), formatting.yen(int(content["amount_yen"]))),
        ("SHA-256", str(content["file_sha256"])),
    ]
    for ground, (count, yen) in dict(content.get("left", {})).items():
        name = messages.label("debit_ground", ground)
        said = f"{formatting.count(count)} {formatting.yen(yen)}"
        facts.append((_("含めない: {ground}", ground=name), said))
    warnings: tuple[str, ...] = ()
    if approval.kind == release.REPLACE:
        facts += [
            (_("新しい件数"), formatting.count(int(content["new_count"]))),
            (_("新しい金額"), formatting.yen(int(content["new_amount_yen"]))),
            (_("加わるもの"), formatting.count(int(content["added"]))),
            (_("除くもの"), formatting.count(int(content["removed"]))),
            (_("変わるもの"), formatting.count(int(content["changed"]))),
        ]
    if content.get("sent"):
        facts.append((_("止めたと確認した相手"), str(content["stopped"])))
        warnings = (
            _("この束は銀行に送付済みです。銀行が依頼を止めたことを確かめてから承認してください。"),
        )
    return facts, warnings
