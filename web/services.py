"""共有するもの: settings, database, and the municipality that a request is about.

One process serves every body of the installation, unless the settings name one. Which body a
request is about is decided once, before anything of a body is read: by the session of the staff,
by the key of a notification, by the number that a resident types. Where nothing has decided, the
only body there is is meant.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from flask import current_app, g, has_request_context

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.municipalities import bodies, is_served, load_profile
from payments.store.unit_of_work import reading
from web.commands.session import listed
from web.metrics.exposition import Metrics
from web.notifications.receive import Desk, for_booking
from web.notifications.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from payments.domain.profile import Profile
    from payments.store.municipalities import Body
    from web.config import Settings

QUICK_WAIT_MS = 100


class Services:
    """What views need, made once per application."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Take settings and database; municipalities are looked up when they are first needed.

        So the server also starts before it is set up, and says so at ``/readyz``.
        """
        self.settings = settings
        self.engine = engine
        self._desks: dict[str, Desk] = {}
        self.closers: list[Callable[[], None]] = []  # called at the end, before all else
        self.metrics = Metrics(self)

    # ---- which body ----

    @property
    def bodies(self) -> list[Body]:
        """Every body that this process serves, looked up once per request.

        Raises :class:`ConfigurationError` ``municipality_none``, ``municipality_unknown`` or
        ``municipality_disabled``.
        """
        if not has_request_context():
            return self._bodies()
        if "bodies" not in g:
            g.bodies = self._bodies()
        found: list[Body] = g.bodies
        return found

    def _bodies(self) -> list[Body]:
        with reading(self.engine) as connection:
            everybody = bodies(connection)
        named = self.settings.municipality
        mine = [body for body in everybody if named in {"", body.code}]
        if not everybody:
            raise ConfigurationError("municipality_none")
        if not mine:
            raise ConfigurationError("municipality_unknown", found=named)
        served = [body for body in mine if not body.disabled]
        if not served:
            raise ConfigurationError("municipality_disabled", found=listed(mine))
        return served

    @property
    def sole(self) -> Body | None:
        """The only body that this process serves; None when there are several."""
        return self.bodies[0] if len(self.bodies) == 1 else None

    def serves(self, municipality_code: str) -> bool:
        """Whether requests about this municipality are answered here."""
        if self.settings.municipality not in {"", municipality_code}:
            return False
        with reading(self.engine, municipality_code) as connection:
            return is_served(connection, municipality_code)

    def enter(self, municipality_code: str) -> None:
        """団体の決定: from here on this request is about that municipality and no other."""
        g.municipality = municipality_code

    @property
    def municipality(self) -> str:
        """The municipality this request is about.

        Raises :class:`ConfigurationError` ``municipality_choice`` where there are several and
        nothing has decided, and what :attr:`bodies` raises.
        """
        if has_request_context() and "municipality" in g:
            code: str = g.municipality
            return code
        if self.sole is None:
            raise ConfigurationError("municipality_choice", found=listed(self.bodies))
        return self.sole.code

    @property
    def profile(self) -> Profile:
        """The profile in force now."""
        with reading(self.engine, self.municipality) as connection:
            return load_profile(connection, self.municipality)

    # ---- notifications ----

    @property
    def desk(self) -> Desk:
        """Where notifications of this request's municipality arrive."""
        return self.desk_of(self.municipality)

    def desk_of(self, municipality_code: str) -> Desk:
        """The desk of one municipality, made when it is first needed."""
        # Of two threads that make one at the same moment, both get the first that is kept; the
        # other has no thread and no connection yet.
        desk = self._desks.get(municipality_code)
        if desk is None:
            made = Desk(self.engine, self.spool, municipality_code, books=self.booking_engine)
            desk = self._desks.setdefault(municipality_code, made)
        return desk

    @cached_property
    def spool(self) -> Spool:
        """受付簿."""
        return Spool(self.engine)

    @cached_property
    def booking_engine(self) -> Engine:
        """The same database for the bookers of every body, of which a few work at a time."""
        return for_booking(self.engine)

    @cached_property
    def quick_engine(self) -> Engine:
        """The same database for notes that can wait: who holds it goes first."""
        return open_engine(self.settings.database, lock_wait_ms=QUICK_WAIT_MS, connections=1)

    def begin_booking(self) -> None:
        """Book what waits, of every body, from now on."""
        for body in self.bodies:
            self.desk_of(body.code).booker.start()

    def close(self) -> None:
        """End what runs beside the requests."""
        for end in self.closers:
            end()
        for desk in self._desks.values():
            desk.close()
        for name in ("booking_engine", "quick_engine"):
            if name in self.__dict__:
                self.__dict__[name].dispose()
        if "spool" in self.__dict__:
            self.spool.close()


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["kokin"]
    return found
