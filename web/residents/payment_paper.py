"""納付確認書の内容: what has been confirmed of one's own levies, as the paper says it (pure).

Only what a 確報 has confirmed stands on it, never what is merely announced or open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.slip import WHOLE_YEAR
from web import clock
from web.certificates.confirmation import Basis, Paper
from web.formatting import fiscal_year, plain_day, yen
from web.language import JAPANESE, speaking
from web.residents.own import own_levies
from web.texts import labels
from web.texts import residents as words

if TYPE_CHECKING:
    from datetime import datetime

    from payments.domain.profile import Profile
    from reconcile.person_account import PersonAccount
    from reconcile.status import CutOff
    from web.residents.own import OwnClaim, OwnLevy

KIND = "payment"


def payment_paper(
    profile: Profile,
    account: PersonAccount,
    cut_offs: tuple[CutOff, ...],
    wanted: tuple[str, int],
    now: datetime,
) -> Paper:
    """納付確認書 of a levy and year, ``("", 0)`` for all; without rows when there is none."""
    names = {item.item_code: item.name for item in profile.items}
    item_code, levy_year = wanted
    mine = [
        (levy, claim)
        for levy in own_levies(account, clock.in_japan(now).date())
        if item_code in {"", levy.item_code} and levy_year in {0, levy.levy_year}
        for claim in levy.claims
        if claim.confirmed_yen > 0
    ]
    with speaking(JAPANESE):
        rows = tuple(_row(levy, claim, names) for levy, claim in mine)
        total = yen(sum(claim.confirmed_yen for _levy, claim in mine))
        channels = tuple((labels.LABELS["cut_off"].get(c.code, c.code), _day(c)) for c in cut_offs)
    return Paper(
        kind=KIND,
        title=words.CONFIRMATION_TITLE,
        municipality=profile.name,
        holder=account.person.name,
        as_of=now,
        sentence=words.CONFIRMATION_SENTENCE,
        columns=words.CONFIRMATION_COLUMNS,
        rows=rows,
        facts=(
            (words.TOTAL, total),
            *((words.CHANNEL.format(channel=name), day) for name, day in channels),
        ),
        notes=words.CONFIRMATION_NOTES,
        basis=tuple(
            Basis(claim.notice_id, claim.term, claim.confirmed_yen) for _levy, claim in mine
        ),
    )


def _row(levy: OwnLevy, claim: OwnClaim, names: dict[str, str]) -> tuple[str, ...]:
    return (
        names.get(levy.item_code, levy.item_code),
        fiscal_year(levy.levy_year),
        levy.notice_no,
        words.WHOLE if claim.term == WHOLE_YEAR else words.TERM.format(term=int(claim.term)),
        yen(claim.confirmed_yen),
        plain_day(claim.paid_on),
    )


def _day(cut_off: CutOff) -> str:
    return plain_day(cut_off.received_on)
