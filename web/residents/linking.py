"""宛名との結び付け: proved once, by a slip of one's own and by what the provider says.

Whoever holds a slip may ask about that slip; here it opens more, so that its number alone is not
enough. Name and address of the claims have to be those of the books. Where they are not, people
decide: one when the name agrees, two when it does not or when somebody else is linked already.
Every link and its end is a row of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select, text, update

from payments.domain.errors import NotFoundError, RefusedError
from payments.store.bulk import take_numbers
from payments.store.personal import open_address
from web import clock
from web.notifications import sealed_secrets
from web.residents import sessions
from web.residents.identity import Claims, compare
from web.residents.tables import ResidentLinkRow, ResidentRequestRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from payments.domain.identifiers import ElNumber
    from web.config import Settings

KIND = "resident_link"  # the approval of a doubtful link
LINKED, UNLINKED = "linked", "unlinked"
BY_SLIP, BY_DESK, BY_RESIDENT = "slip", "desk", "resident"
WAITING, REFUSED, DROPPED = "waiting", "refused", "dropped"

links = ResidentLinkRow.__table__  # type: ignore[attr-defined]
requests = ResidentRequestRow.__table__  # type: ignore[attr-defined]


class Request(NamedTuple):
    """結び付けの確認依頼, with both sides of the comparison while it waits."""

    request_no: int
    resident_id: str
    obligor_no: str
    name_agrees: bool
    address_agrees: bool
    taken: bool  # somebody else is linked to the person
    asked_at: datetime
    state: str
    claims: Claims | None

    @property
    def doubtful(self) -> bool:
        """二人で決める: whether one person is not enough."""
        return self.taken or not self.name_agrees


def obligor_of(connection: Connection, code: str, resident_id: str) -> str:
    """宛名番号 that the resident is linked to now; "" without a link."""
    row = connection.execute(
        select(links.c.event, links.c.obligor_no)
        .where(links.c.municipality_code == code, links.c.resident_id == resident_id)
        .order_by(links.c.link_no.desc())
        .limit(1)
    ).one_or_none()
    return str(row.obligor_no) if row is not None and row.event == LINKED else ""


def residents_of(connection: Connection, code: str, obligor_no: str) -> list[str]:
    """Who is linked to the person now."""
    rows = connection.execute(
        select(links.c.resident_id)
        .where(links.c.municipality_code == code, links.c.obligor_no == obligor_no)
        .distinct()
    ).scalars()
    return [each for each in rows if obligor_of(connection, code, each) == obligor_no]


def ask(
    connection: Connection,
    settings: Settings,
    code: str,
    signed: sessions.Signed,
    number: ElNumber,
) -> str:
    """結び付けの申出 by a slip: ``linked`` at once, or ``waiting`` for people.

    Raises :class:`NotFoundError` ``resident_slip`` for a wrong number and for an unknown one
    alike, and :class:`RefusedError` ``resident_linked``, ``resident_waiting`` or
    ``resident_claims`` (what the provider said is no longer here: sign in again).
    """
    if obligor_of(connection, code, signed.resident_id):
        raise RefusedError("resident_linked")
    if waiting_of(connection, code, signed.resident_id) is not None:
        raise RefusedError("resident_waiting")
    if signed.claims is None:
        raise RefusedError("resident_claims")
    owner = connection.execute(text(_OWNER), {"m": code, "key": f"E{number.digits}"}).one_or_none()
    if owner is None:
        raise NotFoundError("resident_slip")
    address = open_address(connection, code, owner.obligor_no, owner.address)
    agreed = compare(signed.claims, owner.name, owner.kana, address)
    if agreed.whole and not residents_of(connection, code, owner.obligor_no):
        write(connection, code, signed.resident_id, LINKED, owner.obligor_no, BY_SLIP)
        sessions.forget_claims(connection, code, signed.resident_id)
        return LINKED
    request_no = take_numbers(connection, code, "resident_request", 1)
    said = json.dumps(signed.claims._asdict(), ensure_ascii=False)
    connection.execute(
        insert(requests).values(
            municipality_code=code,
            request_no=request_no,
            resident_id=signed.resident_id,
            obligor_no=owner.obligor_no,
            name_agrees=agreed.name,
            address_agrees=agreed.address,
            sealed=sealed_secrets.seal(settings, _place(code, request_no), said),
            asked_at=clock.now(),
            state=WAITING,
            decided_by="",
            note="",
        )
    )
    sessions.forget_claims(connection, code, signed.resident_id)
    return WAITING


def unlink(connection: Connection, code: str, resident_id: str, *, how: str, actor: str) -> None:
    """結び付けの解除; :class:`RefusedError` ``resident_unlinked`` when there is none."""
    obligor_no = obligor_of(connection, code, resident_id)
    if not obligor_no:
        raise RefusedError("resident_unlinked")
    write(connection, code, resident_id, UNLINKED, obligor_no, how, actor)


def write(
    connection: Connection,
    code: str,
    resident_id: str,
    event: str,
    obligor_no: str,
    how: str,
    actor: str = "",
) -> None:
    """結び付けの記録."""
    connection.execute(
        insert(links).values(
            municipality_code=code,
            link_no=take_numbers(connection, code, "resident_link", 1),
            resident_id=resident_id,
            event=event,
            obligor_no=obligor_no,
            how=how,
            actor=actor,
            happened_at=clock.now(),
        )
    )


# ---- what waits for people ----


def waiting_of(connection: Connection, code: str, resident_id: str) -> int | None:
    """確認中の依頼 of a resident."""
    return connection.execute(
        select(requests.c.request_no).where(
            requests.c.municipality_code == code,
            requests.c.resident_id == resident_id,
            requests.c.state == WAITING,
        )
    ).scalar_one_or_none()


def last_refused(connection: Connection, code: str, resident_id: str) -> bool:
    """Whether the newest request of a resident was refused."""
    state = connection.execute(
        select(requests.c.state)
        .where(requests.c.municipality_code == code, requests.c.resident_id == resident_id)
        .order_by(requests.c.request_no.desc())
        .limit(1)
    ).scalar_one_or_none()
    return state == REFUSED


def waiting_requests(connection: Connection, code: str) -> list[Row[Any]]:
    """確認待ちの一覧, oldest first."""
    return list(
        connection.execute(
            select(requests.c.request_no, requests.c.asked_at, requests.c.name_agrees)
            .where(requests.c.municipality_code == code, requests.c.state == WAITING)
            .order_by(requests.c.request_no)
            .limit(200)
        )
    )


def newest_links(connection: Connection, code: str, most: int) -> list[Row[Any]]:
    """結び付けの記録, newest first; ``current`` says which are in force."""
    newest = (
        select(func.max(links.c.link_no))
        .where(links.c.municipality_code == code)
        .group_by(links.c.resident_id)
    )
    current = (links.c.event == LINKED) & links.c.link_no.in_(newest)
    return list(
        connection.execute(
            select(links, current.label("current"))
            .where(links.c.municipality_code == code)
            .order_by(links.c.link_no.desc())
            .limit(most)
        )
    )


def resident_of(connection: Connection, code: str, link_no: int) -> str:
    """本人 of a link that was made; :class:`NotFoundError` ``resident_link``."""
    found = connection.execute(
        select(links.c.resident_id).where(
            links.c.municipality_code == code, links.c.link_no == link_no
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError("resident_link")
    return str(found)


def request_of(
    connection: Connection, settings: Settings | None, code: str, request_no: int
) -> Request:
    """確認依頼 by its number, with what the provider said where the settings are given.

    Raises :class:`NotFoundError` ``resident_request``.
    """
    row = connection.execute(
        select(requests).where(
            requests.c.municipality_code == code, requests.c.request_no == request_no
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("resident_request")
    claims = None
    if row.sealed and settings is not None:
        said = sealed_secrets.unseal(settings, _place(code, request_no), bytes(row.sealed))
        claims = Claims(**json.loads(said))
    others = residents_of(connection, code, row.obligor_no)
    return Request(
        row.request_no, row.resident_id, row.obligor_no, bool(row.name_agrees),
        bool(row.address_agrees), bool(set(others) - {row.resident_id}),
        clock.in_japan(row.asked_at), row.state, claims,
    )  # fmt: skip


def content_of(request: Request) -> dict[str, object]:
    """承認の内容: just this link; it holds no name (the request has both sides of it)."""
    return {
        "request_no": request.request_no,
        "obligor_no": request.obligor_no,
        "name_agrees": request.name_agrees,
        "address_agrees": request.address_agrees,
        "taken": request.taken,
    }


def decide(
    connection: Connection, code: str, request: Request, state: str, *, actor: str, note: str = ""
) -> None:
    """確認の結果: linked or refused, once; what the provider said is dropped.

    Whoever is linked to the person already is unlinked: one person has one page. Raises
    :class:`RefusedError` ``resident_decided``.
    """
    changed = connection.execute(
        update(requests)
        .where(
            requests.c.municipality_code == code,
            requests.c.request_no == request.request_no,
            requests.c.state == WAITING,
        )
        .values(state=state, decided_by=actor, decided_at=clock.now(), note=note, sealed=b"")
    ).rowcount
    if not changed:
        raise RefusedError("resident_decided")
    if state != LINKED:
        return
    for other in residents_of(connection, code, request.obligor_no):
        write(connection, code, other, UNLINKED, request.obligor_no, BY_DESK, actor)
    write(connection, code, request.resident_id, LINKED, request.obligor_no, BY_DESK, actor)


def drop(connection: Connection, code: str, resident_id: str) -> None:
    """取下げ of one's own request."""
    connection.execute(
        update(requests)
        .where(
            requests.c.municipality_code == code,
            requests.c.resident_id == resident_id,
            requests.c.state == WAITING,
        )
        .values(state=DROPPED, decided_at=clock.now(), sealed=b"")
    )


def _place(code: str, request_no: int) -> str:
    return f"resident_request|{code}|{request_no}"


_OWNER = """
SELECT o.obligor_no, o.name, o.kana, o.address
FROM pay_key k CROSS JOIN slip s CROSS JOIN notice n CROSS JOIN obligor o
WHERE k.municipality_code = :m AND k.pay_key = :key
  AND s.municipality_code = :m AND s.slip_id = k.slip_id
  AND n.municipality_code = :m AND n.notice_id = s.notice_id
  AND o.municipality_code = :m AND o.obligor_no = n.obligor_no"""
