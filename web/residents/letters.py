"""お知らせのメール: received, confirmed, a slip that runs out; each told once, without a name.

A letter says that there is something to look at and where, never an amount, a levy or a name: a
mailbox is no place for what 地方税法22条 protects. What is new for an address is one statement over
all of them; what one run finds of a kind is one letter. That it begins is committed before it is
sent, and its end after it. Only a process that dies between the two leaves a letter that is sent
again, with the same Message-ID.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import DateTime, bindparam, insert, select, text, update

from payments.store.unit_of_work import reading, side_work
from payments.versions import OPEN_YEN
from web import clock, messages
from web.language import speaking, translate
from web.notices.channels import Notice, NotSentError, send_mail
from web.residents import contacts
from web.residents.tables import ResidentContactRow, ResidentLetterRow

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from sqlalchemy import Connection, Row, TextualSelect

    from payments.domain.profile import Profile
    from web.config import Settings
    from web.jobs.contract import JobContext

CONSENT = "consent"
SOON = timedelta(days=7)
ATTEMPT_DIES = timedelta(minutes=10)
ATTEMPTS_MAX = 6
MAIL_HEADERS = "List-Unsubscribe=One-Click"  # RFC 8058 3.1

_INSTANTS = {"happened_at": DateTime(timezone=True)}

table = ResidentLetterRow.__table__  # type: ignore[attr-defined]
addresses = ResidentContactRow.__table__  # type: ignore[attr-defined]


class Letter(NamedTuple):
    """一通: one kind for one address, and the keys of everything it is about."""

    contact_id: str
    kind: str
    keys: tuple[str, ...]


def place_of(profile: Profile) -> str:
    """住民の画面の場所, as the settings name it; "" where letters could lead nowhere."""
    url = urlsplit(profile.enquiries.address)
    return f"{url.scheme}://{url.netloc}" if url.netloc else ""


def can_write(settings: Settings, profile: Profile) -> bool:
    """お知らせを出せるか: there is a mail server, and an address for the links."""
    return bool(settings.smtp_host and place_of(profile))


def due(
    connection: Connection, code: str, today: date, now: datetime, shown: Collection[str] | None
) -> list[Letter]:
    """出すお知らせ: what is new for each confirmed address, one letter per kind.

    ``shown``: 科目 that somebody's own page may show; of no other anything is said. None finds what
    is new of every one, for whoever only marks it.
    """
    values = {"m": code, "today": today.isoformat(), "until": (today + SOON).isoformat()}
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for statement in (_PAYMENTS, _SLIPS):
        for row in connection.execute(_timed(statement), values):
            wanted = row.kind in row.kinds.split() and (shown is None or row.item_code in shown)
            if wanted and _may_be_sent(row, now):
                found[row.contact_id, row.kind].append(f"{row.kind}:{row.about}")
    return [Letter(*place, tuple(sorted(keys))) for place, keys in sorted(found.items())]


def consents(connection: Connection, code: str, now: datetime) -> list[Letter]:
    """受取の確認のメール that are still to be sent."""
    since = bindparam("since", type_=DateTime(timezone=True))
    statement = text(_CONSENTS).bindparams(since).columns(**_INSTANTS)
    rows = connection.execute(statement, {"m": code, "since": now - contacts.WAITS})
    return [Letter(row.contact_id, CONSENT, (CONSENT,)) for row in rows if _may_be_sent(row, now)]


def know_already(connection: Connection, code: str, contact_id: str) -> None:
    """既知のもの: what was there before the consent is never told."""
    before = due(connection, code, clock.today(), clock.now(), None)
    now = clock.now()
    rows = [
        {
            "municipality_code": code, "contact_id": contact_id, "letter_key": key,
            "state": "sent", "attempts": 0, "error_code": "", "happened_at": now,
        }
        for letter in before
        if letter.contact_id == contact_id and letter.kind != "expires"
        for key in letter.keys
    ]  # fmt: skip
    if rows:
        connection.execute(insert(table), rows)


def send(context: JobContext, profile: Profile, letter: Letter) -> bool:
    """一通を出す; whether it went. The record of its beginning is committed first."""
    code = context.municipality_code
    with side_work(context.engine, code) as connection:
        row = connection.execute(
            select(addresses).where(
                addresses.c.municipality_code == code,
                addresses.c.contact_id == letter.contact_id,
                addresses.c.stopped_at.is_(None),
            )
        ).one_or_none()
        if row is None:
            return False
        _write(connection, code, letter, "begun")
    error_code = ""
    try:
        notice = _notice(context.settings, profile, row, letter)
        stop = _link(context.settings, profile, contacts.STOP, row)
        headers = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": MAIL_HEADERS}
        address = contacts.address_of(context.settings, code, row)
        send_mail(context.settings, notice, address, {} if letter.kind == CONSENT else headers)
    except NotSentError as error:
        error_code = error.code
    with side_work(context.engine, code) as connection:
        _write(connection, code, letter, "failed" if error_code else "sent", error_code)
    return not error_code


def letters_of(context: JobContext, *, consent: bool) -> list[Letter]:
    """What a run has to send."""
    code = context.municipality_code
    with reading(context.engine, code) as connection:
        if consent:
            return consents(connection, code, clock.now())
        shown = context.settings.residents[code].shown_items
        return due(connection, code, context.as_of, clock.now(), shown)


def _timed(statement: str) -> TextualSelect:
    """A statement whose instants come back as such from both kinds of database."""
    return text(statement).columns(**_INSTANTS)


def _may_be_sent(row: Row[Any], now: datetime) -> bool:
    """Not sent before, nobody at it, not given up, and rested after a failure."""
    if row.state is None:
        return True
    if row.state == "sent" or row.attempts >= ATTEMPTS_MAX:
        return False
    pause = ATTEMPT_DIES if row.state == "begun" else timedelta(minutes=2**row.attempts)
    return clock.in_japan(row.happened_at) + pause <= now


def _notice(settings: Settings, profile: Profile, row: Row[Any], letter: Letter) -> Notice:
    """The words of a letter, in the language in which it was asked for."""
    with speaking(row.language):
        said = messages.label("letter_body", letter.kind)
        if letter.kind == CONSENT:
            lines = [
                said,
                _link(settings, profile, contacts.CONFIRM, row),
                messages.label("letter_end", "consent"),
            ]
        else:
            lines = [
                said,
                messages.label("letter_end", "look"),
                f"{place_of(profile)}/my",
                messages.label("letter_end", "stop"),
                _link(settings, profile, contacts.STOP, row),
            ]
        subject = messages.label("letter_subject", letter.kind)
        subject = translate("{subject}（{body}）", subject=subject, body=profile.name)
    digest = hashlib.sha256("|".join(letter.keys).encode()).hexdigest()[:32]
    return Notice(
        profile.municipality_code, 0, f"letter:{letter.contact_id}:{digest}", letter.kind,
        subject, "\n\n".join(lines) + "\n", clock.now(),
    )  # fmt: skip


def _link(settings: Settings, profile: Profile, purpose: str, row: Row[Any]) -> str:
    token = contacts.token_of(settings, purpose, profile.municipality_code, row.contact_id)
    return f"{place_of(profile)}/my/notices/{purpose}/{token}"


def _write(
    connection: Connection, code: str, letter: Letter, state: str, error_code: str = ""
) -> None:
    """How far the letter has come, for every key that it is about."""
    more = 1 if state == "begun" else 0
    for key in letter.keys:
        changed = connection.execute(
            update(table)
            .where(
                table.c.municipality_code == code,
                table.c.contact_id == letter.contact_id,
                table.c.letter_key == key,
            )
            .values(
                state=state,
                attempts=table.c.attempts + more,
                error_code=error_code,
                happened_at=clock.now(),
            )
        ).rowcount
        if not changed:
            connection.execute(
                insert(table).values(
                    municipality_code=code,
                    contact_id=letter.contact_id,
                    letter_key=key,
                    state=state,
                    attempts=more,
                    error_code=error_code,
                    happened_at=clock.now(),
                )
            )


# From the confirmed addresses to what is theirs: of a resident's links the newest is in force.
_MINE = """
FROM resident_contact c CROSS JOIN resident_link l CROSS JOIN notice n CROSS JOIN {what}
LEFT JOIN resident_letter x ON x.municipality_code = :m AND x.contact_id = c.contact_id
  AND x.letter_key = {key}
WHERE c.municipality_code = :m AND c.confirmed_at IS NOT NULL AND c.stopped_at IS NULL
  AND l.municipality_code = :m AND l.resident_id = c.resident_id AND l.event = 'linked'
  AND NOT EXISTS (SELECT 1 FROM resident_link y WHERE y.municipality_code = :m
    AND y.resident_id = c.resident_id AND y.link_no > l.link_no)
  AND n.municipality_code = :m AND n.obligor_no = l.obligor_no"""
_COLUMNS = "c.contact_id, c.kinds, n.item_code, x.state, x.attempts, x.happened_at"
_STAGE = "CASE r.stage WHEN 'provisional' THEN 'received' ELSE 'confirmed' END"
_RECEIPT = "CAST(r.file_id AS VARCHAR(20)) || ':' || CAST(r.line_no AS VARCHAR(20))"
_PAYMENTS = f"""
SELECT {_COLUMNS}, {_STAGE} AS kind, {_RECEIPT} AS about
{_MINE.format(what="receipt r", key=f"{_STAGE} || ':' || {_RECEIPT}")}
  AND r.municipality_code = :m AND r.notice_id = n.notice_id
  AND (r.stage = 'provisional' OR (r.stage = 'confirmed' AND r.applied_yen > 0))"""
_SLIP = "CAST(s.slip_id AS VARCHAR(20))"
_SLIPS = f"""
SELECT {_COLUMNS}, 'expires' AS kind, {_SLIP} AS about
{_MINE.format(what="slip s", key=f"'expires:' || {_SLIP}")}
  AND s.municipality_code = :m AND s.notice_id = n.notice_id AND s.state = 'new'
  AND s.valid_until >= :today AND s.valid_until <= :until
  AND EXISTS (SELECT 1 FROM instalment_account a WHERE a.municipality_code = :m
    AND a.notice_id = s.notice_id AND (a.term = s.term OR (s.term = '00' AND a.in_group))
    AND {OPEN_YEN} > 0)
  AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.municipality_code = :m
    AND r.notice_id = s.notice_id AND r.slip_id = s.slip_id AND r.stage <> 'withdrawn')"""
_CONSENTS = """
SELECT c.contact_id, x.state, x.attempts, x.happened_at FROM resident_contact c
LEFT JOIN resident_letter x ON x.municipality_code = :m AND x.contact_id = c.contact_id
  AND x.letter_key = 'consent'
WHERE c.municipality_code = :m AND c.confirmed_at IS NULL AND c.stopped_at IS NULL
  AND c.asked_at > :since ORDER BY c.asked_at"""
