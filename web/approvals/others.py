"""承認の物語・そのほか: roles, dunning, debits, refunds, charges, certificates, residents."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconcile import certificate as certifying
from reconcile.debit import release as debit_release
from reconcile.dunning import release as dunning_release
from reconcile.dunning.draw import DESPITE as DUNNING_DESPITE
from web import clock, formatting, messages
from web.accounts import role_change
from web.approvals.parts import Kind, Link, Story, changes_of, effect_of, facts_of
from web.certificates.tax_paper import channel_words
from web.charges import told as charges_told
from web.debits.told import debit_subject, debit_told
from web.dunning.sheets import despite_told, release_told
from web.language import translate as _
from web.language import translated
from web.refunds import approving as refund_approving
from web.residents import linking
from web.retention import letting_go
from web.texts import approvals as words

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile


def written_out(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """The content as it was written, by name."""
    rows = [(messages.label("fact", name), str(value)) for name, value in approval.content.items()]
    return Story(translated(words.UNKNOWN_EFFECT), (facts_of(rows),))


def _charges(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """減免・分納・不納欠損: what is asked for, and the instalment with all of it."""
    notice_id, term = charges_told.place_in(approval)
    place = {"notice_id": notice_id, "term": term}
    return Story(
        effect_of(approval),
        tuple(charges_told.told(connection, profile, approval)),
        links=(Link(_("期別を開く"), "charges.show", place),),
    )


def _retention(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """廃棄: which rows go, and the file that shows them ever after."""
    content = approval.content
    name = messages.label("retention_table", content["table"])
    day = formatting.long_day(content["before_on"])
    rows = [
        (messages.label("fact", key), str(content[key])) for key in ("archive_file", "rows_sha256")
    ]
    effect = effect_of(approval, table=name, day=day, rows=content["rows"])
    return Story(effect, (facts_of(rows),))


def _user_roles(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """役割の変更."""
    content = approval.content
    before, after = (
        messages.words("role", tuple(content[name])) if content[name] else _("なし")
        for name in ("before", "after")
    )
    effect = effect_of(approval, subject=content["user_name"])
    return Story(effect, (changes_of(approval, [("roles", before, after)]),))


def _dunning(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """督促状の作成."""
    list_no = int(approval.content["list_no"])
    link = Link(_("督促リストを開く"), "dunning.show", {"list_no": list_no})
    return Story(*release_told(connection, profile, approval), links=(link,))


def _dunning_despite(_connection: Connection, profile: Profile, approval: Approval) -> Story:
    """資料が未着のままの督促の抽出."""
    return Story(
        *despite_told(profile, approval), links=(Link(_("受領予定を開く"), "arrivals.today", {}),)
    )


def _debit(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """口座振替の送付・作り直し・取消."""
    link = Link(_("束を開く"), "debits.show", {"debit_no": int(approval.content["batch_no"])})
    effect = effect_of(approval, subject=debit_subject(approval))
    sheets_, warnings = debit_told(connection, profile, approval)
    notes: tuple[str, ...] = ()
    if not approval.decision and not debit_release.is_looked_through(
        connection, profile.municipality_code, approval
    ):
        notes = (
            _("件数が多いため、作成のあとに変わったものがないことは、承認するときに確かめます。"),
        )
    return Story(effect, (facts_of(sheets_),), warnings=warnings, notes=notes, links=(link,))


def _refund(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """還付の決定・取消・振込データの引渡しと取消."""
    endpoint, values = refund_approving.place_of(approval)
    effect, sheets_ = refund_approving.told(approval)
    link = Link(_("還付の画面を開く"), endpoint, values)
    return Story(effect, sheets_, refund_approving.warnings_of(approval), links=(link,))


def _resident_link(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """本人のページの結び付け: what agreed; both sides stand on the page of the request."""
    content = approval.content
    rows = [
        (_("氏名"), _("一致") if content["name_agrees"] else _("不一致")),
        (_("住所"), _("一致") if content["address_agrees"] else _("不一致")),
        (_("別の人との結び付き"), _("あり") if content["taken"] else _("なし")),
    ]
    link = Link(_("結び付けの確認を開く"), "linking.show", {"request_no": int(approval.subject)})
    return Story(effect_of(approval, subject=approval.subject), (facts_of(rows),), links=(link,))


def _certificate(_connection: Connection, profile: Profile, approval: Approval) -> Story:
    """資料が未着のままの証明: what is behind."""
    content = approval.content
    day = formatting.long_day(str(content["on"]))
    rows = [
        (channel_words(profile, source), formatting.long_day(str(until)))
        for source, until in dict(content["lacking"]).items()
    ]
    return Story(effect_of(approval, subject=day), (facts_of(rows),))


OTHERS: dict[str, Kind] = {
    certifying.KIND: Kind(
        _certificate,
        lambda connection, profile, approval: certifying.despite_content(
            connection, profile, date.fromisoformat(str(approval.content["on"])), clock.now()
        ),
    ),
    **dict.fromkeys(charges_told.KINDS, Kind(_charges, charges_told.content_now)),
    letting_go.KIND: Kind(_retention, letting_go.content_now),
    linking.KIND: Kind(
        _resident_link,
        lambda connection, profile, approval: linking.content_of(
            linking.request_of(connection, None, profile.municipality_code, int(approval.subject))
        ),
    ),
    **dict.fromkeys(refund_approving.REFUND_KINDS, Kind(_refund, refund_approving.content_now)),
    **dict.fromkeys(
        debit_release.KINDS,
        Kind(
            _debit,
            lambda connection, profile, approval: debit_release.content_at_a_glance(
                connection, profile, approval, today=clock.today()
            ),
        ),
    ),
    dunning_release.KIND: Kind(
        _dunning,
        lambda connection, profile, approval: dunning_release.content_of(
            connection, profile.municipality_code, int(approval.content["list_no"])
        ),
    ),
    DUNNING_DESPITE: Kind(
        _dunning_despite,
        lambda connection, profile, approval: dunning_release.despite_content(
            connection, profile, date.fromisoformat(str(approval.content["as_of"])), clock.now()
        ),
    ),
    role_change.KIND: Kind(
        _user_roles,
        lambda connection, profile, approval: role_change.content_now(
            connection, profile.municipality_code, approval
        ),
    ),
}
