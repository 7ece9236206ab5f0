"""説明の物語: an explanation as sections that a treasurer reads, on a page or in a terminal.

The words are those of :mod:`web.texts.explain`; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.explain.model import ALTERED, MISSING
from web import formatting, messages
from web.explain.tables import (
    Table,
    bookings_table,
    candidates_table,
    claim_tables,
    credits_table,
    group_of,
    others_table,
    rules_table,
)
from web.explain.values import moment, named, occasion_of, say, shown, term
from web.language import translate as _
from web.language import translated
from web.texts import explain as words
from web.texts.outcomes import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.explain.model import (
        ApprovalStory,
        CaseStory,
        Decision,
        Evidence,
        Explanation,
        Later,
        LineStory,
        SealStory,
        Settlement,
        SlipStory,
    )

BYTES_PER_ROW = 32


@dataclass(frozen=True, slots=True)
class Section:
    """節: a heading with sentences, named values and tables."""

    title: str
    sentences: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    code: tuple[str, ...] = ()  # bytes, row by row
    warning: str = ""
    file_id: int | None = None  # the file that it is about


def title(explanation: Explanation) -> str:
    """表題: what is explained."""
    subject = explanation.subject
    name = str(subject["name"])
    if subject["kind"] in {"slip", "instalment", "notice"} and subject.get("term"):
        name = f"{name}（{term(str(subject['term']))}）"
    return f"{words.SUBJECTS[str(subject['kind'])]} {name}"


def tell(explanation: Explanation) -> list[Section]:
    """物語: every section, in the order in which things happened."""
    sections: list[Section] = []
    if explanation.case is not None:
        sections.append(_people((explanation.case,), ()))
    if explanation.slip is not None:
        sections.append(_claim(explanation.slip))
        if explanation.bookings:
            table = bookings_table(explanation.bookings)
            sections.append(Section(words.HEADINGS["claim_bookings"], tables=(table,)))
        if not explanation.stories:
            sections.append(Section(words.HEADINGS["evidence"], (say("no_payments"),)))
    for story in explanation.stories:
        sections += _line(story, explanation.case, with_claim=explanation.slip is None)
    if explanation.left_off:
        number = formatting.count(explanation.left_off)
        sections.append(Section(words.HEADINGS["others"], (say("left_off", number=number),)))
    return sections


# ---- one line ----


def _line(story: LineStory, told: CaseStory | None, *, with_claim: bool) -> list[Section]:
    """One line from its bytes to what came of it; a case that was told is not told again."""
    sections = [_summary(story), _evidence(story.evidence)]
    sections += [section for decision in story.decisions for section in _decision(decision)]
    tables = (bookings_table(story.bookings),) if story.bookings else ()
    none = () if tables else (say("no_bookings"),)
    sections.append(Section(words.HEADINGS["bookings"], none, tables=tables))
    if with_claim and story.slip is not None:
        sections.append(_claim(story.slip))
    if story.settlement is not None:
        sections.append(_settlement(story.settlement))
    elif story.decisions and story.decisions[-1].applied_yen + story.decisions[-1].suspense_yen:
        sections.append(Section(words.HEADINGS["settlement"], (say("no_group"),)))
    if story.others:
        sections.append(Section(words.HEADINGS["others"], tables=(others_table(story),)))
    cases = [case for case in story.cases if told is None or case.case_no != told.case_no]
    if cases or story.approvals or told is None:
        sections.append(_people(cases, story.approvals))
    if story.seals:
        sections.append(Section(words.HEADINGS["seals"], tuple(map(_seal, story.seals))))
    sections.append(
        Section(
            words.HEADINGS["later"],
            tuple(_later(later) for later in story.later) or (say("no_later"),),
        )
    )
    return sections


def _summary(story: LineStory) -> Section:
    """まとめ: the whole story in a few sentences."""
    evidence, read = story.evidence, story.evidence.read
    said = [
        say(
            "came",
            received_on=formatting.long_day(evidence.received_on),
            channel=messages.label("channel", evidence.channel),
            stage=messages.label("stage", str(read["stage"])) if read["stage"] else _("明細"),
            paid_on=shown("day", read["paid_on"]),
            amount=shown("yen", read["amount_yen"]),
        )
    ]
    for decision in story.decisions:
        facts = decision.facts
        if facts.get("slip_no"):
            said.append(
                say(
                    "named",
                    slip_no=facts["slip_no"],
                    term=shown("term", facts.get("term")),
                    amount=shown("yen", facts.get("slip_yen")),
                    valid_until=shown("day", facts.get("valid_until")),
                )
            )
        if facts.get("outstanding") is not None:
            outstanding, due = (shown("yen", facts[name]) for name in ("outstanding", "due"))
            said.append(say("stood", outstanding=outstanding, due=due))
        said.append(_verdict(decision))
    if len(story.decisions) > 1:
        now = messages.outcome(story.decisions[-1].outcome).label
        said.append(say("now", outcome=now, number=len(story.decisions)))
    name = formatting.line_place(evidence.file_name, evidence.line_no)
    title_ja = f"{words.HEADINGS['summary']}: {name}"
    return Section(title_ja, tuple(dict.fromkeys(said)), file_id=evidence.file_id)


def _verdict(decision: Decision) -> str:
    """判定を一文で: when, in which occasion, by which rule, and what became of the money."""
    deciding = next((test for test in reversed(decision.tests) if test.holds), None)
    outcome = messages.outcome(decision.outcome)
    code = "withdrawn" if decision.outcome == "withdrawn" else "decided"
    if decision.facts.get("approval_id"):
        code = "decided_by_people"
    sentence = say(
        code,
        **{name: decision.facts.get(name) for name in ("asked_by", "decided_by", "approval_id")},
        reason=decision.facts.get("decision_reason"),
        booked_on=formatting.long_day(decision.journal.booked_on),
        occasion=occasion_of(decision.journal.kind, decision.journal.file_name),
        actor=decision.journal.actor,
        rule=decision.rule,
        label=translated(deciding.label_ja) if deciding is not None else outcome.label,
        outcome=outcome.label,
    )
    if decision.applied_yen or decision.suspense_yen:
        applied, suspense = map(formatting.yen, (decision.applied_yen, decision.suspense_yen))
        sentence += say("money", applied=applied, suspense=suspense)
    return sentence


def _evidence(evidence: Evidence) -> Section:
    """届いたもの: bytes in hexadecimal and as text, and what they were read as."""
    size = formatting.count(evidence.size_bytes, "バイト")
    proof = say(f"proof_{evidence.proof}", size=size)
    place = _(
        "{line_no}行目、{first:,}バイト目から{length:,}バイト",
        line_no=evidence.line_no,
        first=evidence.byte_offset,
        length=evidence.byte_length,
    )
    rows = evidence.hex.split(" ") if evidence.hex else []
    return Section(
        words.HEADINGS["evidence"],
        () if evidence.proof in {ALTERED, MISSING} else (proof,),
        (
            (_("資料"), evidence.file_name),
            (_("形式"), messages.label("format", evidence.format_code)),
            ("SHA-256", evidence.sha256),
            (_("位置"), place),
            (_("受領日"), formatting.long_day(evidence.received_on)),
            (_("取込"), moment(evidence.taken_in_at)),
            (_("文字"), evidence.text.rstrip("\r\n")),
            *named(evidence.read),
        ),
        code=tuple(
            " ".join(rows[start : start + BYTES_PER_ROW])
            for start in range(0, len(rows), BYTES_PER_ROW)
        ),
        warning=proof if evidence.proof in {ALTERED, MISSING} else "",
    )


def _decision(decision: Decision) -> list[Section]:
    """判定: the sentence, the values of the moment, the rules one after another."""
    sentences = [_verdict(decision)]
    if decision.outcome in OUTCOMES:
        sentences.append(messages.outcome(decision.outcome).sentence)
    sentences += [words.UNKNOWN[code] for code in decision.unknown]
    warning = ""
    if decision.agrees is False:
        warning = say("disagrees", found=decision.tests[-1].code, rule=decision.rule)
    heading = words.HEADINGS["decision"]
    if decision.revision > 1:
        heading = _("{heading}（{number}回目）", heading=heading, number=decision.revision)
    tables = []
    if decision.tests:
        tables.append(rules_table(decision))
    if decision.candidates:
        tables.append(candidates_table(decision))
    return [
        Section(heading, tuple(sentences), named(decision.facts), tuple(tables), warning=warning)
    ]


# ---- the claim, the money, the people ----


def _claim(slip: SlipStory) -> Section:
    """請求: what is claimed there, every version, every 調定異動."""
    return Section(words.HEADINGS["claim"], facts=named(slip.facts), tables=claim_tables(slip))


def _settlement(settlement: Settlement) -> Section:
    """払込と入金."""
    none = () if settlement.credits else (say("unsettled"),)
    tables = (credits_table(settlement),) if settlement.credits else ()
    group = settlement.group
    ref = group_of(group["ref"], group["group_id"])
    told = named({name: value for name, value in group.items() if name != "group_id"})
    facts = tuple((name, ref if value == ref else value) for name, value in told)
    return Section(words.HEADINGS["settlement"], none, facts, tables)


def _people(cases: Sequence[CaseStory], approvals: Sequence[ApprovalStory]) -> Section:
    """人の判断: cases with their history, approvals with both people."""
    said: list[str] = []
    for case in cases:
        said.append(
            say(
                "case",
                case_no=case.case_no,
                kind=messages.case(case.kind).label,
                state=messages.label("case_state", case.state),
                amount=formatting.yen(case.amount_yen),
                opened_on=formatting.long_day(case.opened_on),
            )
        )
        said += [
            say(
                "case_event",
                on=formatting.long_day(str(event["happened_on"])),
                event=messages.label("case_event", str(event["event"])),
                actor=event["actor"],
                note=f" {event['note']}" if event["note"] else "",
            )
            for event in case.events
        ]
    said += [_approval(approval) for approval in approvals]
    return Section(words.HEADINGS["people"], tuple(said) or (say("no_people"),))


def _approval(approval: ApprovalStory) -> str:
    decision = say("approval_waiting")
    if approval.decision:
        decision = say(
            "approval_decided",
            decided_by=approval.decided_by,
            decided_at=moment(approval.decided_at),
            decision=messages.label("approval_state", approval.decision),
            note=_("（{note}）", note=approval.note) if approval.note else "",
        )
    return say(
        "approval",
        approval_id=approval.approval_id,
        kind=messages.label("approval_kind", approval.kind),
        asked_by=approval.asked_by,
        asked_at=moment(approval.asked_at),
        reason=approval.reason,
        decision=decision,
    )


def _seal(seal: SealStory) -> str:
    """封印の一件."""
    if not seal.seal_no:
        return say("unsealed", journal_id=seal.journal_id)
    return say(
        "sealed",
        journal_id=seal.journal_id,
        seal_no=seal.seal_no,
        made_at=moment(seal.made_at),
        sha256=seal.sha256,
    )


def _later(later: Later) -> str:
    """その後の一件."""
    facts = later.facts
    event = {
        "withdrawn": "later_withdrawn",
        "decided_by_people": "later_decided_by_people",
    }.get(later.event, later.event)
    amount = facts.get("amount_yen")
    if later.event == "surplus" and isinstance(amount, int) and amount < 0:
        event, amount = "surplus_back", -amount
    outcome = messages.outcome(str(facts.get("outcome", "")))
    return say(
        event,
        on=formatting.long_day(later.on),
        outcome=outcome.label,
        rule=facts.get("rule", ""),
        applied=shown("yen", facts.get("applied_yen")),
        suspense=shown("yen", facts.get("suspense_yen")),
        amount=shown("yen", amount),
        place=facts.get("place", ""),
        file=facts.get("file_name") or "—",
        line_no=facts.get("line_no", ""),
        slip_no=facts.get("slip_no", ""),
        event=messages.label("slip_event", str(facts.get("kind", ""))),
        actor=facts.get("actor", ""),
        reason=f" {messages.label('slip_reason', str(facts['reason']))}"
        if facts.get("reason")
        else "",
    )
