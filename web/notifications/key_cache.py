"""鍵の控え: the secrets of the keys that were just used, for a few seconds.

A request then costs no look into the books, and a key that is disabled stops within
:data:`SECONDS`. Keys that nobody knows are remembered, too, so that a wrong id is answered as
quickly as a wrong signature.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import ConfigurationError
from payments.store.unit_of_work import reading
from web import clock
from web.bodies import municipality_of_key
from web.notifications.keys import NAMED_NO, secrets_of

if TYPE_CHECKING:
    from datetime import datetime

    from web.services import Services

log = logging.getLogger(__name__)

SECONDS = 2.0
KEYS_MAX = 1_000  # remembered at the same time
NOBODYS = secrets.token_hex(32)  # what unknown keys are compared with


class KnownKey(NamedTuple):
    """鍵: whose it is and what it may sign with; no secrets when it is unknown or disabled."""

    municipality_code: str
    secrets: tuple[tuple[int, str, datetime | None], ...]

    def in_force(self) -> list[tuple[int, str]]:
        """(number, secret) of those that hold now."""
        now = clock.now()
        return [
            (number, secret)
            for number, secret, until in self.secrets
            if until is None or now < clock.in_japan(until)
        ]


UNKNOWN = KnownKey("", ())


class KeyCache:
    """鍵の控え of one process."""

    def __init__(self, services: Services) -> None:
        """Nothing is looked up before it is asked for."""
        self._services = services
        self._known: dict[str, tuple[float, KnownKey]] = {}

    def find(self, key_id: str) -> KnownKey:
        """The key as it was at most :data:`SECONDS` ago."""
        now = time.monotonic()
        kept = self._known.get(key_id)
        if kept is not None and now - kept[0] < SECONDS:
            return kept[1]
        found = self._look_up(key_id)
        if len(self._known) >= KEYS_MAX:
            self._known.clear()
        self._known[key_id] = (now, found)
        return found

    def forget(self) -> None:
        """Look everything up again."""
        self._known.clear()

    def _look_up(self, key_id: str) -> KnownKey:
        engine, settings = self._services.engine, self._services.settings
        named = settings.named_keys().get(key_id)
        if named is not None:
            # Such a key says nothing about its municipality: there has to be only one.
            sole = self._services.sole
            return UNKNOWN if sole is None else KnownKey(sole.code, ((NAMED_NO, named, None),))
        with reading(engine) as connection:
            code = municipality_of_key(connection, key_id)
        if code is None or settings.municipality not in {"", code}:
            return UNKNOWN
        try:
            with reading(engine, code) as connection:
                return KnownKey(code, tuple(secrets_of(connection, settings, code, key_id)))
        except ConfigurationError as error:
            # Which key of the installation is missing is nothing that a stranger is told.
            log.error("secret of key %s: %s", key_id, error.error_code)  # noqa: TRY400
            raise ConfigurationError("not_ready") from error
