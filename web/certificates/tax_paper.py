"""納税証明の書面: the basis of a certificate, under a code that anybody can check (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.arrivals.sources import sources
from web import messages
from web.arrivals.words import source_words
from web.certificates.confirmation import Basis as Rests
from web.certificates.confirmation import Paper
from web.formatting import fiscal_year, plain_day, yen
from web.language import JAPANESE, speaking
from web.texts import certificates as words

if TYPE_CHECKING:
    from datetime import datetime

    from payments.domain.profile import Profile
    from reconcile.certificate import Basis, Levy

KIND = "tax"


def tax_paper(profile: Profile, basis: Basis, now: datetime) -> Paper:
    """納付状況の書面: levy by levy, with データの基準日 of every channel."""
    names = {item.item_code: item.name for item in profile.items}
    with speaking(JAPANESE):
        facts = [
            (words.TOTAL_UNPAID, yen(sum(levy.unpaid_yen for levy in basis.levies))),
            (words.PROVISIONAL, yen(sum(levy.provisional_yen for levy in basis.levies))),
            (words.CUT_OFF, plain_day(basis.cut_off_on)),
            *(
                (words.CHANNEL.format(channel=channel_words(profile, name)), plain_day(day))
                for name, day in sorted(basis.complete_until.items())
            ),
        ]
        if basis.despite is not None:
            facts.append((words.DESPITE, str(basis.despite)))
        return Paper(
            kind=KIND,
            title=words.TITLE,
            municipality=profile.name,
            holder=basis.name,
            as_of=now,
            sentence=words.SENTENCE,
            columns=words.COLUMNS,
            rows=tuple(_row(levy, names) for levy in basis.levies),
            facts=tuple(facts),
            notes=words.NOTES,
            basis=tuple(Rests(*each) for each in basis.settled),
        )


def channel_words(profile: Profile, code: str) -> str:
    """送付元 as people say it: an agent by its name, a bank's statement by the kind of file."""
    said = messages.label("agent", code)
    if said != code:
        return said
    names = {source.code: source_words(source) for source in sources(profile)}
    return names.get(code, code)


def seen_words(basis: Basis) -> str:
    """閲覧の記録の文言: what somebody was shown of a person, up to which day it was complete."""
    with speaking(JAPANESE):
        said = words.SEEN.format(title=words.TITLE, day=plain_day(basis.cut_off_on))
    return said if basis.despite is None else f"{said} {words.DESPITE} {basis.despite}"


def _row(levy: Levy, names: dict[str, str]) -> tuple[str, ...]:
    due = plain_day(levy.first_due_on)
    if levy.last_due_on != levy.first_due_on:
        due = f"{due}〜{plain_day(levy.last_due_on)}"
    return (
        names.get(levy.item_code, levy.item_code), fiscal_year(levy.levy_year),
        yen(levy.assessed_yen), yen(levy.paid_yen), yen(levy.unpaid_yen), yen(levy.overdue_yen),
        due,
    )  # fmt: skip
