"""入口: what a signed request has to prove, and what becomes of the notifications it brings.

Nothing here knows the web framework; requests come by the views (:mod:`routes`) or by the short
way (:mod:`short_way`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import to_json

from web import clock
from web.errors import problem
from web.notifications import signing
from web.notifications.body import Wrong, read
from web.notifications.door import WINDOW_SECONDS, Refused, Signed
from web.notifications.key_cache import NOBODYS, KeyCache
from web.notifications.pace import Pace
from web.notifications.receive import CONFLICT, Told
from web.security import limiter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from web.notifications.receive import Desk
    from web.services import Services

BODY_BYTES_MAX = 2 * 1024 * 1024  # a batch of the longest notifications
SECRETS_COMPARED = 2  # at least, so that the time does not tell how many a key has
UNAUTHORISED, UNPROCESSABLE, TOO_MANY = 401, 422, 429
REPLAYED = "Idempotency-Replayed"

log = logging.getLogger(__name__)


class ProblemError(Exception):
    """断り: what is answered as a problem document, with its code, status and further members."""

    def __init__(
        self,
        code: str,
        status: int,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``headers`` go with the answer."""
        super().__init__(code)
        self.code, self.status, self.more, self.headers = code, status, more, headers or {}


class Reply(NamedTuple):
    """良い答え: status, JSON and whether it was given before."""

    status: int
    data: bytes
    replayed: bool = False


def reply(members: Mapping[str, Any], status: int, *, replayed: bool = False) -> Reply:
    """An answer, its members in their order."""
    return Reply(status, to_json(members), replayed)


class Gate:
    """入口 of one application."""

    def __init__(self, services: Services) -> None:
        """Keys are looked up when they are first used."""
        self._services = services
        self.keys = KeyCache(services)
        self.pace = Pace()

    def check(self, environ: Mapping[str, Any], path: str, body: bytes) -> tuple[str, Signed]:
        """Whose request this is, and its signature; nothing is looked at before that holds.

        ``environ`` as WSGI has it, ``path`` with its query as in the request line. Raises
        :class:`ProblemError` ``signature_missing``, ``timestamp_outside``, ``nonce_invalid``,
        ``signature_invalid`` or ``rate_limited``.
        """
        key_id, timestamp, nonce, signature = [environ.get(name, "") for name in _HEADERS]
        if not (key_id and timestamp and nonce and signature):
            raise ProblemError("signature_missing", UNAUTHORISED)
        now = clock.now().timestamp()
        if signing.TIMESTAMP.fullmatch(timestamp) is None:
            raise ProblemError("timestamp_outside", UNAUTHORISED)
        if abs(now - int(timestamp)) > WINDOW_SECONDS:
            raise ProblemError("timestamp_outside", UNAUTHORISED)
        if signing.NONCE.fullmatch(nonce) is None:
            raise ProblemError("nonce_invalid", UNAUTHORISED)
        key = self.keys.find(key_id)
        secrets = key.in_force()
        # An unknown key is compared with secrets nobody has, so that it costs the same time.
        known = [secret for _number, secret in secrets]
        known += [NOBODYS] * (SECRETS_COMPARED - len(known))
        message = signing.canonical(timestamp, nonce, environ["REQUEST_METHOD"], path, body)
        place = signing.which_signed(known, message, signature)
        if place is None or place >= len(secrets):
            log.warning("signature refused: key %r", key_id[:40])
            raise ProblemError("signature_invalid", UNAUTHORISED)
        self._count(key_id, now)
        return key.municipality_code, Signed(key_id, secrets[place][0], int(timestamp), nonce)

    def _count(self, key_id: str, now: float) -> None:
        """What one key may ask in a minute; only what it has signed is counted."""
        most = self._services.settings.notifications_per_minute
        if not (most and limiter.enabled):
            return
        seconds = self.pace.wait(key_id, most, now)
        if seconds:
            raise ProblemError("rate_limited", TOO_MANY, headers={"Retry-After": str(seconds)})


_HEADERS = [
    f"HTTP_{name.upper().replace('-', '_')}"
    for name in (
        signing.KEY_HEADER,
        signing.TIMESTAMP_HEADER,
        signing.NONCE_HEADER,
        signing.SIGNATURE_HEADER,
    )
]


def take_in(desk: Desk, signed: Signed, body: bytes, idempotency_key: str | None) -> Reply:
    """Keep one notification or a batch of them, with the nonce of the request.

    Raises :class:`ProblemError` for one that cannot be taken in, ``idempotency_conflict`` among
    them, and :class:`RefusedError` ``nonce_used``.
    """
    found = read(body, idempotency_key)
    if isinstance(found, list):
        return _several(desk, signed, found)
    if isinstance(found, Wrong):
        desk.receive_many(signed.key_id, [], signed, [_refused(signed, found)])
        raise ProblemError(found.code, UNPROCESSABLE, _errors(found))
    ((told, first),) = desk.receive_many(signed.key_id, [found], signed)
    if told.status == CONFLICT:
        raise ProblemError("idempotency_conflict", CONFLICT)
    if not told.accepted:
        more = {"findings": told.members["findings"]} if "findings" in told.members else {}
        raise ProblemError(told.members["code"], told.status, more)
    return reply(told.members, told.status, replayed=not first)


def _several(desk: Desk, signed: Signed, found: Sequence[Told | Wrong]) -> Reply:
    """A batch: one result each, in the order in which they were sent."""
    told = [each for each in found if isinstance(each, Told)]
    refused = [_refused(signed, each) for each in found if isinstance(each, Wrong)]
    answers = iter(desk.receive_many(signed.key_id, told, signed, refused))
    results = []
    replayed = True
    for index, each in enumerate(found):
        if isinstance(each, Wrong):
            replayed = False
            more = _errors(each)
            results.append(_bad(index, each.code, UNPROCESSABLE, more))
            continue
        got, first = next(answers)
        replayed = replayed and got.accepted and not first
        if got.accepted:
            results.append({"index": index, "status": got.status, "receipt": got.members})
        else:
            findings = got.members.get("findings")
            more = {"findings": findings} if findings else {}
            results.append(_bad(index, got.members["code"], got.status, more))
    good = sum("receipt" in result for result in results)
    members = {"accepted": good, "refused": len(results) - good, "results": results}
    return reply(members, 207, replayed=replayed)


def _refused(signed: Signed, wrong: Wrong) -> Refused:
    return Refused(signed.key_id, wrong.notification_id, wrong.code, wrong.body)


def _errors(wrong: Wrong) -> dict[str, Any]:
    return {"errors": wrong.errors} if wrong.errors else {}


def _bad(index: int, code: str, status: int, more: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a notification of a batch that was not accepted."""
    place: dict[str, Any] = {"instance": f"#/notifications/{index}"}
    return {
        "index": index,
        "status": status,
        "problem": problem(code, status, None, place | dict(more)),
    }
