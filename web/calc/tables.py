"""割合の表: the rates that ship, and the years that this installation has added.

A rate is announced at the end of November for the year to come. Nobody should have to wait for a
new version: a file ``late_charge_rates.csv`` in the data folder, with the columns of the shipped
one, adds years. It can change none that ships. What the books are charged by is the same table
(:func:`put_in_force`): else a page would know a year that no late charge can be booked for.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from payments.domain.rates import RateTable, know_rates, read_rates, shipped_rates

if TYPE_CHECKING:
    from pathlib import Path

    from web.config import Settings

FILE = "late_charge_rates.csv"


def rates_of(settings: Settings) -> RateTable:
    """割合の表 in force here; read again when the file has changed.

    Raises :class:`ConfigurationError` ``rates_file`` for a file that cannot be read, and the
    errors of :func:`payments.domain.rates.read_rates`.
    """
    path = settings.home / FILE
    try:
        found = path.stat()
        return _with_years(path, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return shipped_rates()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("rates_file", path=str(path), found=str(error)) from error


def put_in_force(settings: Settings) -> None:
    """割合の適用: what this process works out from now on rests on the table of ``settings``."""
    know_rates(partial(rates_of, settings))


@lru_cache(maxsize=4)
def _with_years(path: Path, _modified_ns: int, _size: int) -> RateTable:
    """What ships, and what the file adds."""
    return shipped_rates().with_rows(read_rates(path.read_text(encoding="utf-8-sig")))
