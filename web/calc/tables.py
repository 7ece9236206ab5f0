"""割合の表: the rates that ship, and the years that this installation has added.

A rate is announced at the end of November for the year to come. Nobody should have to wait for a
new version: a file ``late_charge_rates.csv`` in the data folder, with the columns of the shipped
one, adds years. It can change none that ships.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from payments.domain.rates import RateTable, read_rates, shipped_rates

if TYPE_CHECKING:
    from web.config import Settings

FILE = "late_charge_rates.csv"


def rates_of(settings: Settings) -> RateTable:
    """割合の表 in force here.

    Raises :class:`ConfigurationError` ``rates_file`` for a file that cannot be read, and the
    errors of :func:`payments.domain.rates.read_rates`.
    """
    path = settings.home / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return shipped_rates()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("rates_file", path=str(path), found=str(error)) from error
    return shipped_rates().with_rows(read_rates(text))
