"""The whole exception tree and its stable codes (例外と安定したエラーコード).

An exception carries a stable ``code`` and the numbers and identifiers that belong to it, never a
sentence: sentences live in :mod:`web.messages`, keyed by the code. What is wrong with a *file* is
not an exception but a value (see :class:`reconcile.model.Finding`), so that one bad line never
hides a good one.
"""

from __future__ import annotations

from typing import ClassVar


class KokinError(Exception):
    """Base of everything this service refuses on purpose; ``details`` holds numbers and ids."""

    code: ClassVar[str] = "kokin"

    def __init__(self, code: str | None = None, /, **details: object) -> None:
        """Remember what happened: ``code`` narrows the class, ``details`` name the values."""
        self.error_code = code or self.code
        self.details = details
        parts = " ".join(f"{name}={value!r}" for name, value in details.items())
        super().__init__(f"{self.error_code}: {parts}" if parts else self.error_code)


class InvalidValueError(KokinError, ValueError):
    """A value that cannot exist (HTTP 422): a negative amount, a wrong check digit."""

    code = "invalid_value"


class NotFoundError(KokinError, LookupError):
    """A named thing is not there (HTTP 404)."""

    code = "not_found"


class RefusedError(KokinError):
    """A rule says no (HTTP 409), e.g. what was asked for is no longer so.

    HTTP 403 where it says no to this person: the second of two people is the first one again.
    """

    code = "refused"


class ConflictError(KokinError):
    """The same identity with other content (HTTP 409)."""

    code = "conflict"


class FormatError(KokinError):
    """A file as a whole cannot be used (HTTP 422)."""

    code = "format"


class ConfigurationError(KokinError):
    """The installation lacks something it needs; the message says what and how to get it."""

    code = "configuration"
