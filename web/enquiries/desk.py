"""照会の窓口: what one question needs besides the request: record, limits, pictures, the books."""

from __future__ import annotations

import hmac
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.enquiring import Enquiries
from payments.store.municipalities import load_profile
from payments.store.one_trip import OneTrip, executed
from payments.store.straight import Straight
from payments.store.unit_of_work import reading
from reconcile.status import (
    UNKNOWN,
    Found,
    SlipStatus,
    data_cut_offs,
    prepared_for_postgresql,
    status_from,
    straight_for_sqlite,
)
from web import clock
from web.enquiries.kept_pages import KeptPages
from web.enquiries.lately import Lately
from web.enquiries.limits import Asked, Verdict, network
from web.enquiries.photos import FOLDER, PhotoDesk
from web.enquiries.tally import Question, Tally

if TYPE_CHECKING:
    from payments.domain.identifiers import ElNumber
    from payments.domain.profile import Profile
    from payments.store.municipalities import Body
    from reconcile.status import CutOff
    from web.enquiries.proof import Proof
    from web.enquiries.slip_code import Named
    from web.services import Services

BASIS_SECONDS = 1.0  # settings and cut-offs are read so often, however many ask
_NOBODYS = "x" * 34  # no slip has this number
_NO_SLIP = -1
_EXECUTE = {by: executed(by, ("m", "key")) for by in prepared_for_postgresql()}
_ASK = straight_for_sqlite()


class Asking(NamedTuple):
    """問い: a number or a slip named by its code, how it came, from where, and with which proof."""

    number: ElNumber | None
    named: Named | None
    way: str
    source: str
    proof: Proof | None


class Told(NamedTuple):
    """答え and whether it may be given, with what it rests on.

    ``led``: whether the question led to a body, whose reports and whose contact are then told.
    """

    status: SlipStatus
    verdict: Verdict
    profile: Profile
    cut_offs: tuple[CutOff, ...]
    led: bool


class EnquiryDesk:
    """照会の窓口 of one application."""

    def __init__(self, services: Services) -> None:
        """Nothing is opened before the first question."""
        self._services = services
        self._tallies: dict[str, Tally] = {}
        self._bases: dict[str, Lately[tuple[Profile, tuple[CutOff, ...]]]] = {}
        self._bodies = Lately(lambda: services.bodies)
        self._sections: dict[str, Enquiries] = {}  # as they were at the last question
        postgres = services.engine.dialect.name == "postgresql"
        self._trip = OneTrip(services.engine, prepared_for_postgresql()) if postgres else None
        self._straight = Straight(services.engine)
        self.pages = KeptPages()
        self.photos = PhotoDesk(services.settings.home / FOLDER)
        services.closers.append(self.close)

    @cached_property
    def key(self) -> bytes:
        """The key of digests, tasks and codes, of the installation's secret."""
        return self._services.settings.secret().encode()

    def digest(self, kind: str, value: str) -> str:
        """A keyed digest: equal values can be counted, and nobody can go back to the value."""
        return hmac.new(self.key, f"enquiry|{kind}|{value}".encode(), sha256).hexdigest()

    def bodies(self) -> list[Body]:
        """団体の一覧, looked up once a second, however many ask; errors as for all pages."""
        return self._bodies.get(BASIS_SECONDS)

    def body(self, collecting_body_code: str) -> Body | None:
        """団体 that a number leads to: the only one there is, or the one with this 収納機関番号."""
        bodies = self._services.bodies
        if len(bodies) == 1:
            return bodies[0]
        return {each.collecting_body_code: each for each in bodies}.get(collecting_body_code)

    def guarded(self) -> bool:
        """警戒中か, of any body this process has heard of."""
        return any(
            self._tallies[code].guarded(section) for code, section in list(self._sections.items())
        )

    def section(self) -> Enquiries:
        """照会の設定 of the only body; where there are several, what is usual."""
        sole = self._services.sole
        return self._basis(sole.code)[0].enquiries if sole else Enquiries()

    def tell(self, asking: Asking, *, limited: bool = True) -> Told:
        """The state of the slip, written down and counted before it is told.

        A number that leads to no body is looked for where there can be none, and written down with
        the first body: the answer, and what is done for it, is that of any wrong number.
        """
        code, number = self._where(asking)
        self._services.enter(code)
        profile, cut_offs = self._basis(code)
        if asking.named is not None:
            status = self._status(profile, "id", asking.named.slip_id if number else _NO_SLIP)
        else:
            status = self._status(profile, "number", number)
        question = self._question(asking, status)
        verdict = self._tally(code).ask(question, profile.enquiries)
        self._sections[code] = profile.enquiries
        led = self._services.sole is not None or number not in {"", _NOBODYS}
        return Told(status, verdict if limited else Verdict(0), profile, cut_offs, led)

    def _status(self, profile: Profile, by: str, key: str | int) -> SlipStatus:
        """The slip as it is now: newer than what the answer says it rests on, and never older."""
        code, today = profile.municipality_code, clock.today()
        asked = {"m": code, "key": f"E{key}" if by == "number" else key}
        if self._trip is not None:
            ((row,),) = self._trip.run(code, _EXECUTE[by], asked)
        else:
            (row,) = self._straight.rows(_ASK[by], asked)
        return status_from(Found(*row), profile, today=today)

    def _basis(self, code: str) -> tuple[Profile, tuple[CutOff, ...]]:
        """設定とデータの基準, the same for all who ask within a second.

        What the answer rests on is never told newer than it is: the slip is looked up now.
        """

        def make() -> tuple[Profile, tuple[CutOff, ...]]:
            with reading(self._services.engine, code) as connection:
                profile = load_profile(connection, code)
                return profile, data_cut_offs(connection, profile, clock.now(), clock.today())

        kept = self._bases.get(code) or self._bases.setdefault(code, Lately(make))
        return kept.get(BASIS_SECONDS, clock.today())

    def _where(self, asking: Asking) -> tuple[str, str]:
        """The body to ask, and what to look for there."""
        first = self._services.bodies[0].code
        if asking.named is not None:
            code = asking.named.municipality_code
            known = any(body.code == code for body in self._services.bodies)
            return (code, code) if known else (first, "")
        if asking.number is None:
            return first, _NOBODYS
        body = self.body(asking.number.collecting_body_code)
        return (body.code, asking.number.digits) if body else (first, _NOBODYS)

    def _question(self, asking: Asking, status: SlipStatus) -> Question:
        """What is written down: keyed digests. 確認番号 is left out of what counts as one slip."""
        if asking.named is not None:
            whole = slip = f"code {asking.named.municipality_code} {asking.named.slip_id}"
        elif asking.number is not None:
            whole = asking.number.digits
            slip = asking.number.collecting_body_code + asking.number.case_key
        else:
            whole = slip = ""
        asked = Asked(
            slip=self.digest("slip", slip),
            source=self.digest("source", network(asking.source)),
            missed=status.state == UNKNOWN,
            proof=asking.proof.name if asking.proof else "",
            set_at=asking.proof.set_at if asking.proof else 0,
        )
        return Question(asked, self.digest("number", whole), status.state, asking.way)

    def _tally(self, code: str) -> Tally:
        """The record of one body, made when it is first needed."""
        tally = self._tallies.get(code)
        if tally is None:
            tally = self._tallies.setdefault(code, Tally(self._services.engine, code))
        return tally

    def close(self) -> None:
        """Write down what waits; leave the database."""
        for tally in self._tallies.values():
            tally.close()
        self._straight.close()
        if self._trip is not None:
            self._trip.close()
