"""承認の物語: what an approval will do, as plain tables for the person who decides about it.

Each kind of approval has its line in :data:`KINDS`: what changes, what else the person should see,
and what would be asked for now. Where that is no longer what was asked for, the page says so before
anybody decides.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.arrivals import ArrivalRule
from payments.domain.errors import KokinError
from payments.release import KIND as RELEASE
from payments.release import release_content
from reconcile import certificate as certifying
from reconcile import day_close
from reconcile.arrivals import rules as arrival_rules
from reconcile.arrivals.sources import sources
from reconcile.debit import release as debit_release
from reconcile.dunning import release as dunning_release
from reconcile.dunning.draw import DESPITE as DUNNING_DESPITE
from reconcile.placement import credit_ask
from reconcile.placement.ask import asked_placement, content_of
from reconcile.placement.credit_ask import KIND as CREDIT_PLACEMENT
from reconcile.placement_model import APPROPRIATION
from reconcile.placement_model import KIND as PLACEMENT
from web import clock, formatting, messages
from web.admin import parameters
from web.admin.differences import change_row
from web.approval_effects import LIVE, live_content
from web.approvals.others import OTHERS, written_out
from web.approvals.parts import Kind, Link, Story, changes_of, effect_of, facts_of, with_stale
from web.arrivals.words import changes, source_words
from web.charges import told as charges_told
from web.days.sheet import Cell, columns_of, sheet_of
from web.days.sheets import sheets
from web.debits.told import debit_subject
from web.language import translate as _
from web.placements.panel import place_words, places
from web.printing.report import read_back_words
from web.printing.status import status_of
from web.refunds import approving as refund_approving
from web.residents import linking
from web.retention import letting_go
from web.texts import admin
from web.texts import approvals as words
from web.texts import placements as placing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from web.days.sheet import Sheet


def tell(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """承認の物語 of any kind; of one that nobody has described, the content as it was written."""
    kind = KINDS.get(approval.kind, Kind(written_out))
    story = kind.tell(connection, profile, approval)
    if approval.decision or kind.content_now is None:
        return story
    try:
        now = kind.content_now(connection, profile, approval)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return with_stale(story, stale=words.SENTENCES["stale"] + _("（{note}）", note=said))
    if approve.canonical(now) != approve.canonical(approval.content):
        return with_stale(story, stale=words.SENTENCES["stale"])
    return story


def kind_words(approval: Approval) -> str:
    """種類 as people say it: of a placement, what it does."""
    if approval.kind in {PLACEMENT, CREDIT_PLACEMENT}:
        return placing.operation(approval.kind, approval.content["operation"])
    return messages.label("approval_kind", approval.kind)


_PLACE = re.compile(r"[^/]+/[0-9]{4}/[^/]+/[0-9]{2}")  # 科目/年度/通知書/期別
_SUBJECTS: dict[str, Callable[[Approval], str]] = {
    **dict.fromkeys(refund_approving.REFUND_KINDS, refund_approving.subject_words),
    certifying.KIND: lambda approval: formatting.long_day(approval.subject),
    linking.KIND: lambda approval: _("結び付けの確認 {number}", number=approval.subject),
    **dict.fromkeys(charges_told.KINDS, charges_told.subject_words),
    LIVE: lambda approval: str(approval.content["name"]),
    **dict.fromkeys(debit_release.KINDS, debit_subject),
    letting_go.KIND: lambda approval: messages.label("retention_table", approval.content["table"]),
}


def subject_words(approval: Approval, profile: Profile | None = None) -> str:
    """対象 as people say it: a day, a fiscal year, a print run, a line of a file.

    An instalment is named by its codes, or by its names where the profile is at hand.
    """
    said = _subject_words(approval)
    return place_words(profile, said) if profile and _PLACE.fullmatch(said) else said


def _subject_words(approval: Approval) -> str:
    kind, subject = approval.kind, approval.subject
    if kind in day_close.OF_DAYS:
        return formatting.long_day(subject)
    if kind in day_close.OF_YEARS:
        return _("{year}年度", year=subject)
    if kind == RELEASE:
        return _("印刷 {run_id}", run_id=approval.content["run_id"])
    if kind == dunning_release.KIND:
        return _("督促リスト {list_no}", list_no=approval.content["list_no"])
    if kind == DUNNING_DESPITE:
        return formatting.long_day(subject)
    if kind in _SUBJECTS:
        return _SUBJECTS[kind](approval)
    if kind == parameters.KIND:
        return formatting.long_day(str(approval.content["effective_on"]))
    if kind == arrival_rules.KIND:
        return _("、").join(
            messages.label("agent", rule.source) for rule in arrival_rules.rules_in(approval)
        )
    if "file_name" in approval.content:
        return formatting.line_place(approval.content["file_name"], approval.content["line_no"])
    return subject


# ---- one function per kind ----


def _release(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """引渡し: the files with their hashes, the pages to pull."""
    content = approval.content
    run = status_of(connection, profile.municipality_code, int(content["run_id"]))
    files = [(str(file["name"]), str(file["sha256"])) for file in content["files"]]
    pages = [
        (
            str(page["slip_no"]),
            _("ファイル {number}", number=page["file_no"]),
            _("{number}ページ", number=page["page_no"]),
            words.PULLED[str(page["state"])],
        )
        for page in content["pull"]
    ]
    state = messages.label("print_run_state", "printed")
    found = [
        changes_of(
            approval, [("print_state", state, messages.label("print_run_state", "released"))]
        ),
        facts_of(
            [
                (_("枚数"), formatting.count(int(content["pages"]), "枚")),
                (_("金額"), formatting.yen(int(content["amount_yen"]))),
                (_("見本の印字"), _("あり") if content["sample"] else _("なし")),
                (_("読み戻し"), read_back_words(run)),
            ]
        ),
        sheet_of(
            "files", words.TITLES["files"], columns_of("名前", "SHA-256"), files, adds_up=False
        ),
        sheet_of(
            "pull",
            words.TITLES["pull"],
            columns_of("納付書番号", "ファイル", "ページ", "理由"),
            pages,
            adds_up=False,
        ),
    ]
    return Story(
        effect_of(approval, run_id=content["run_id"]),
        tuple(found),
        notes=(words.SENTENCES["checked_again"],),
    )


def _live(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """本番への切替."""
    return Story(
        effect_of(approval),
        (
            changes_of(
                approval,
                [("sample", words.WORDS["sample_printed"], words.WORDS["sample_not_printed"])],
            ),
            facts_of(
                [
                    (_("団体"), str(approval.content["name"])),
                    (_("団体設定の版"), str(approval.content["profile_version"])),
                ]
            ),
        ),
    )


def _closing(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """締め・締めの取消: what state the period gets, and the figures that are signed."""
    of_day = approval.kind in day_close.OF_DAYS
    subject = subject_words(approval)
    opens = approval.kind in {day_close.REOPEN, day_close.YEAR_REOPEN}
    period = "day" if of_day else "year"
    changes = [("period_state", "open", "closed"), _then("late", period)]
    if not of_day:
        changes.append(_then("arrears", period))
    rows = []
    for name, before, after in changes:
        then = [words.WORDS[before].format(subject=subject), words.WORDS[after]]
        rows.append((name, *(reversed(then) if opens else then)))
    blockers = _("、").join(messages.blocker(str(c)) for c in approval.content.get("blockers", ()))
    found = [changes_of(approval, rows, subject=subject)]
    if not opens and not approval.decision:
        shown = day_close.shown_day if of_day else day_close.shown_year
        at: Any = date.fromisoformat(approval.subject) if of_day else int(approval.subject)
        report, _closure = shown(connection, profile, at)
        found += [s for s in sheets(report) if s.code in {"year", "funds", "movements"}]
    link = (
        Link(_("日計を開く"), "days.show", {"day": approval.subject})
        if of_day
        else Link(_("年度の表を開く"), "days.show_year", {"year": int(approval.subject)})
    )
    return Story(
        effect_of(approval, subject=subject),
        tuple(found),
        warnings=(words.SENTENCES["despite"].format(blockers=blockers),) if blockers else (),
        links=(link,),
    )


def _placement(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """充当先の決定: where the money stands, and where it will stand."""
    effect = placing.operation_sentence(approval.kind, approval.content["operation"])
    return _moved(connection, profile, approval, effect)


def _moved(connection: Connection, profile: Profile, approval: Approval, effect: str) -> Story:
    """お金の置き場所: the places of a payment before and after, whatever asks for it."""
    content = approval.content
    amount_yen = int(content["amount_yen"])
    rows: list[tuple[Cell, ...]] = [
        (place.name, place.obligor or None, place.now_yen, place.then_yen)
        for place in places(connection, profile, amount_yen, content["stands"], content)
    ]
    first, before, after = words.PLACES_DECIDED if approval.decision else words.PLACES
    head = columns_of(first, words.WORDS["obligor"], f"{before}:yen", f"{after}:yen")
    line = {"file_id": content["file_id"], "line_no": content["line_no"]}
    facts = [
        (words.WORDS["operation"], kind_words(approval)),
        (words.WORDS["line"], formatting.line_place(content["file_name"], content["line_no"])),
        (words.WORDS["amount"], formatting.yen(amount_yen)),
        (words.WORDS["outcome"], messages.outcome(content["stands"]["outcome"]).label),
    ]
    if approval.kind == CREDIT_PLACEMENT:
        facts += _creditfacts_of(content)
    links = [
        Link(words.WORDS["placement"], "placements.show", line),
        Link(words.WORDS["explain"], "explain.line", line),
    ]
    if content["case_no"]:
        case_no = {"case_no": content["case_no"]}
        links.append(Link(f"{words.WORDS['case']} {content['case_no']}", "cases.show", case_no))
    return Story(
        effect,
        (sheet_of("changes", words.TITLES["changes"], head, rows), facts_of(facts)),
        links=tuple(links),
    )


def _creditfacts_of(content: dict[str, Any]) -> list[tuple[str, str]]:
    """What the statement says about the credit, and the name that would be remembered."""
    facts = [
        (placing.FACTS["booked_on"], formatting.long_day(content["booked_on"])),
        (placing.FACTS["payer_name"], formatting.wide(content["payer_name"]).strip() or "—"),
        (placing.FACTS["remarks"], formatting.wide(content["remarks"]).strip() or "—"),
    ]
    if content["alias"]:
        people = _("、").join(one["name"] for one in content["alias"]["obligors"])
        name = formatting.wide(content["alias"]["payer_folded"])
        facts.append((words.WORDS["alias"], f"{name} → {people}"))
    return facts


def _credit_placement_now(
    connection: Connection, profile: Profile, approval: Approval
) -> dict[str, Any]:
    content = approval.content
    asked = credit_ask.asked_credit_placement(content)
    return credit_ask.content_of(connection, profile, asked, case_no=content["case_no"])


def _placement_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    content = approval.content
    return content_of(
        connection,
        profile.municipality_code,
        asked_placement(content),
        case_no=content["case_no"],
    )


def _arrival_rules(_connection: Connection, profile: Profile, approval: Approval) -> Story:
    """受領予定の変更: source by source, what holds and what will hold."""
    known = {source.code: source for source in sources(profile)}
    found: list[Sheet] = []
    replaced = [ArrivalRule(**rule) for rule in approval.content["replaced"]]
    for before, after in zip(replaced, arrival_rules.rules_in(approval), strict=True):
        source = known.get(after.source)
        name = source_words(source) if source else after.source
        head = words.CHANGES_DECIDED if approval.decision else words.CHANGES
        found.append(
            sheet_of(
                f"rule_{len(found)}", name, columns_of(*head), changes(before, after), adds_up=False
            )
        )
    return Story(
        effect_of(approval),
        tuple(found),
        links=(Link(words.WORDS["arrival_rules"], "arrivals.show_rules", {}),),
    )


def _arrival_rules_now(
    connection: Connection, profile: Profile, approval: Approval
) -> dict[str, Any]:
    asked = arrival_rules.rules_in(approval)
    return arrival_rules.content_of(connection, profile, asked, approval.approval_id)


def _parameters(_connection: Connection, _profile: Profile, approval: Approval) -> Story:
    """団体設定の変更: value by value, and from which day."""
    head = admin.CHANGES_DECIDED if approval.decision else admin.CHANGES_ASKED
    rows = [change_row(change) for change in parameters.changes_in(approval)]
    day = date.fromisoformat(approval.content["effective_on"])
    effect = admin.EFFECT if day > clock.today() else admin.EFFECT_TODAY
    return Story(
        effect.format(day=formatting.long_day(day)),
        (
            sheet_of("changes", words.TITLES["changes"], columns_of(*head), rows, adds_up=False),
            facts_of([(admin.FIELDS["effective_on"], formatting.long_day(day))]),
        ),
        links=(Link(admin.TITLE, "admin.show", {}),),
    )


def _then(name: str, period: str) -> tuple[str, str, str]:
    """What a close moves from this period into the next one."""
    return name, f"{name}_same_{period}", f"{name}_next_{period}"


def _appropriation(connection: Connection, profile: Profile, approval: Approval) -> Story:
    """充当: the placement, and the overpayment that it comes from."""
    endpoint, values = refund_approving.place_of(approval)
    effect = effect_of(approval)
    if approval.content.get("entrusted"):
        day = formatting.long_day(approval.content["consented_on"])
        effect += _("納期限の来ていない分は、本人の同意（{day}）による委託納付です。", day=day)
    story = _moved(connection, profile, approval, effect)
    return replace(story, links=(Link(_("過誤納を開く"), endpoint, values), *story.links))


KINDS: dict[str, Kind] = {
    **OTHERS,
    APPROPRIATION: Kind(_appropriation, refund_approving.content_now),
    RELEASE: Kind(
        _release,
        # The disk is looked at when it is decided; a page need not read every file.
        lambda connection, profile, approval: release_content(
            connection, profile, int(approval.content["run_id"]), changed_files=lambda _run: ()
        ),
    ),
    PLACEMENT: Kind(_placement, _placement_now),
    CREDIT_PLACEMENT: Kind(_placement, _credit_placement_now),
    arrival_rules.KIND: Kind(_arrival_rules, _arrival_rules_now),
    parameters.KIND: Kind(
        _parameters,
        lambda connection, profile, approval: parameters.content_now(
            connection, profile.municipality_code, approval
        ),
    ),
    LIVE: Kind(_live, lambda _connection, profile, _approval: live_content(profile)),
    **dict.fromkeys(
        day_close.KINDS,
        Kind(
            _closing,
            lambda connection, profile, approval: day_close.content_now(
                connection, profile.municipality_code, approval
            ),
        ),
    ),
}
