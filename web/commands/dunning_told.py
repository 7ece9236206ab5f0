"""督促の命令の答え: lists, stories and re-checks as lines and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reconcile.dunning.recheck import CAME
from web import formatting, messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconcile.dunning.explain import RowStory, Source, Story
    from reconcile.dunning.limits import Near
    from reconcile.dunning.pull import PullLine
    from reconcile.dunning.recheck import Recheck
    from reconcile.dunning.record import Counted, DunningList
    from web.commands.session import Session


def list_data(found: DunningList) -> dict[str, Any]:
    """督促リスト as JSON says it."""
    return asdict(found) | {"state": found.state, "run_id": found.run_id}


def shown_data(
    found: DunningList,
    totals: Mapping[str, Counted],
    sources: Sequence[Source],
    near: Near,
) -> dict[str, Any]:
    """督促リストの内容 as JSON says it."""
    return list_data(found) | {
        "near": near._asdict(),
        "grounds": {ground: counted._asdict() for ground, counted in totals.items() if ground},
        "sources": [source._asdict() for source in sources],
    }


def list_line(found: DunningList) -> str:
    """督促リスト in a list of them."""
    state = messages.label("dunning_state", found.state)
    return (
        f"{found.list_no:>5}  {formatting.long_day(found.as_of_on)}  {state}  "
        f"{formatting.count(found.listed_count, '通')}  {formatting.yen(found.listed_yen)}"
    )


def say_list_told(
    session: Session,
    found: DunningList,
    totals: Mapping[str, Counted],
    sources: Sequence[Source],
    names: Mapping[str, str],
) -> None:
    """督促リストの内容: figures by ground, what it rests on, and what happened to it."""
    say = session.out.print
    state = messages.label("dunning_state", found.state)
    say(f"督促リスト {found.list_no}（{formatting.long_day(found.as_of_on)}抽出、{state}）")
    for ground, counted in totals.items():
        label = messages.label("dunning_ground", ground)
        say(f"  {label}: {formatting.count(counted.number)} {formatting.yen(counted.yen)}")
    for line in source_lines(sources, names):
        say(line, markup=False)
    for event in found.events:
        name = messages.label("dunning_event", event.event)
        number = formatting.count(event.letters, "通")
        moment = formatting.moment(event.made_at)
        say(f"  {moment} {name} {number} {event.actor} {event.reason}".rstrip(), markup=False)


def say_asked(session: Session, approval_id: int) -> None:
    """承認の依頼."""
    session.out.print(
        f"承認 {approval_id} を依頼しました。別の職員が決めます（kokin approvals）。", markup=False
    )


def say_near(session: Session, near: Near) -> None:
    """時効が近いもの: said before anybody wonders which letters must leave first."""
    if near.number:
        number, yen = formatting.count(near.number), formatting.yen(near.yen)
        first = formatting.long_day(near.first_on)
        session.out.print(f"  時効が近いもの: {number} {yen}（最も早い満了日 {first}）")


def say_nobody(session: Session, nobody: tuple[int, int]) -> None:
    """行き先の分からないお金: it holds no letter back, so people look first."""
    number, yen = nobody
    if number:
        session.err.print(
            f"誰のものか分からない納付・入金が{formatting.count(number)}（{formatting.yen(yen)}）"
            "あります。納めた人のものかもしれませんが、督促は留保されません。"
        )


def source_lines(sources: Sequence[Source], names: Mapping[str, str]) -> Iterator[str]:
    """資料の基準日."""
    for source in sources:
        lacking = "、".join(map(formatting.long_day, source.lacking))
        name = names.get(source.source, source.source)
        said = f"  {name}: {formatting.long_day(source.complete_until)}まで"
        yield f"{said}（未着 {lacking}）" if lacking else said


def pull_line(line: PullLine) -> str:
    """引抜きの一通."""
    reason = messages.label("dunning_reason", line.reason)
    return (
        f"{line.seq:>7,}  {line.item_code}/{line.levy_year}/{line.notice_no}/{line.term}  "
        f"{formatting.yen(line.then_yen)} → {formatting.yen(line.open_yen)}  {reason}"
    )


def story_data(story: Story) -> dict[str, Any]:
    """督促の説明 as JSON says it."""
    return list_data(story.found) | {
        "sources": [source._asdict() for source in story.sources],
        "files": story.files,
        "rows": [asdict(row) for row in story.rows],
    }


def story_lines(story: Story, names: Mapping[str, str]) -> Iterator[str]:
    """督促の説明."""
    found = story.found
    state = messages.label("dunning_state", found.state)
    yield f"督促リスト {found.list_no}（{formatting.long_day(found.as_of_on)}抽出、{state}）"
    yield f"根拠の資料 {formatting.count(story.files)}（仕訳帳 {found.journal_id} まで）"
    yield from source_lines(story.sources, names)
    for row in story.rows:
        yield from _row_lines(row)


def _row_lines(row: RowStory) -> Iterator[str]:
    place = f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}"
    yield f"{place}  納期限 {formatting.long_day(row.due_on)}"
    yield (
        f"  調定 {formatting.yen(row.amount_yen)}  納付 {formatting.yen(row.paid_yen)}  "
        f"未納 {formatting.yen(row.open_yen)}"
    )
    if row.last_on is not None:
        yield f"  時効の満了日 {formatting.long_day(row.last_on)}"
    yield f"  {messages.label('dunning_ground', row.ground)}"
    for ground in row.grounds:
        subjects = [_subject(subject) for named, subject in row.evidence if named == ground]
        said = f"  ・{messages.label('dunning_ground', ground)}"
        yield f"{said}: {'、'.join(subjects)}" if subjects else said
    if row.seq is not None:
        yield f"  督促状 {row.seq:,}番目  督促手数料 {formatting.yen(row.fee_yen)}"
    if row.pulled:
        yield f"  引抜き: {messages.label('dunning_reason', row.pulled)}"


def _subject(subject: str) -> str:
    kind, _colon, number = subject.partition(":")
    return f"{messages.label('dunning_evidence', kind)} {number}"


def say_recheck(session: Session, done: Recheck, names: Mapping[str, str]) -> None:
    """差押え前の再確認."""
    say = session.out.print
    say(messages.label("dunning_recheck", done.result))
    for state in done.sources:
        day = formatting.long_day(state.complete_until)
        say(f"  {names.get(state.source, state.source)}: {day}まで", markup=False)
    if done.result == CAME:
        say(f"  督促状のあとに届いた納付: {formatting.count(done.payments)}")
    for row in done.rows:
        found = "、".join(messages.label("dunning_reason", name) for name in row.findings)
        place = f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}"
        sent = formatting.long_day(row.sent_on)
        say(
            f"  {place}  発送 {sent}  未納 {formatting.yen(row.open_yen)}  {found or '—'}",
            markup=False,
        )
