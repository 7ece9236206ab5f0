"""共有するもの: settings, database and municipality of one application."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from flask import current_app

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.commands.session import choose_municipality
from web.notifications.receive import Desk
from web.notifications.spool import Spool

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from payments.domain.profile import Profile
    from web.config import Settings


class Services:
    """What views need, made once per application."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Take settings and database; the municipality is looked up when it is first needed.

        So the server also starts before it is set up, and says so at ``/readyz``.
        """
        self.settings = settings
        self.engine = engine

    @cached_property
    def municipality(self) -> str:
        """The municipality this application serves."""
        return choose_municipality(self.engine, self.settings)

    @cached_property
    def desk(self) -> Desk:
        """Where notifications arrive."""
        return Desk(self.engine, self.spool, self.municipality)

    @cached_property
    def spool(self) -> Spool:
        """受付簿."""
        return Spool(self.engine)

    def close(self) -> None:
        """End what runs beside the requests."""
        if "desk" in self.__dict__:
            self.desk.close()
        if "spool" in self.__dict__:
            self.spool.close()

    @property
    def profile(self) -> Profile:
        """The profile in force now."""
        with reading(self.engine, self.municipality) as connection:
            return load_profile(connection, self.municipality)


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["kokin"]
    return found
