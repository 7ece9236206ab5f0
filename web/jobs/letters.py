"""本人へのお知らせ: mails to residents who asked for them, each thing told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.jobs.contract import JobResult, JobState
from web.residents.letters import can_write, letters_of, send

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from web.jobs.contract import JobContext


def any_consent(context: JobContext) -> bool:
    """Whether somebody waits for the mail that asks for their confirmation."""
    code = context.municipality_code
    return code in context.settings.residents and bool(letters_of(context, consent=True))


def consent_letters(context: JobContext) -> JobResult:
    """受取の確認のメール, soon after it was asked for."""
    return _send(context, consent=True)


def letters(context: JobContext) -> JobResult:
    """納付のお知らせ: received, confirmed, a slip that runs out."""
    return _send(context, consent=False)


def _send(context: JobContext, *, consent: bool) -> JobResult:
    """INCOMPLETE when some could not be sent: the next round tries again."""
    if context.municipality_code not in context.settings.residents:
        return JobResult(totals={"letters": 0})
    profile = _profile(context)
    waiting = letters_of(context, consent=consent)
    if not can_write(context.settings, profile):
        state = JobState.INCOMPLETE if waiting else JobState.OK
        notes = ("letters_off",) if waiting else ()
        return JobResult(state, {"letters": 0, "letters_left": len(waiting)}, notes)
    sent = 0
    for letter in waiting:
        context.beat()
        sent += send(context, profile, letter)
    left = len(waiting) - sent
    if waiting:
        context.say(f"本人へのお知らせ: 送信 {sent:,}件 再送待ち {left:,}件")
    state = JobState.INCOMPLETE if left else JobState.OK
    notes = ("letters_unsent",) if left else ()
    return JobResult(state, {"letters": sent, "letters_left": left}, notes)


def _profile(context: JobContext) -> Profile:
    with reading(context.engine, context.municipality_code) as connection:
        return load_profile(connection, context.municipality_code)
