"""公開データのファイル: the figures as CSV and JSON, and what their columns mean (CSVW).

Four tables: the collections, receipt rates, shares of channels, and days until booking. The
description follows W3C "Metadata Vocabulary for Tabular Data", so that a program finds the columns
of ``rates.csv`` in ``rates.csv-metadata.json``.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from web.texts.open_data import CHANNEL_NAMES, COLUMNS, EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.domain.publishing import OpenData
    from web.open_data.measures import DelayRow, RateRow, ShareRow
    from web.open_data.tables import Figures, Row

COLLECTIONS = "collections"
NAMES = (COLLECTIONS, "rates", "channels", "delays")


def rows_of(figures: Figures, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one of :data:`NAMES`, by their columns."""
    if name == COLLECTIONS:
        return (_values(figures, row) for row in figures.rows)
    if name == "rates":
        return (_rate(figures, row) for row in figures.measures.rates)
    if name == "channels":
        return (_share(row) for row in figures.measures.shares)
    return (_delay(row) for row in figures.measures.delays)


def as_csv(figures: Figures, name: str = COLLECTIONS) -> bytes:
    """CSV (RFC 4180) in UTF-8 with BOM; an empty figure is a withheld one."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS[name])
    for row in rows_of(figures, name):
        writer.writerow(row.values())
    return stream.getvalue().encode("utf-8-sig")


def as_json(figures: Figures, terms: OpenData, name: str = COLLECTIONS) -> bytes:
    """The same with the date, the licence and the meaning of every column."""
    data = {
        **_about(figures, terms),
        "columns": {
            column: {"ja": ja, "en": en} for column, (ja, en, _kind) in COLUMNS[name].items()
        },
        "rows": list(rows_of(figures, name)),
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def as_metadata(figures: Figures, terms: OpenData, name: str = COLLECTIONS) -> bytes:
    """CSVW: what the columns of the CSV are."""
    about = _about(figures, terms)
    data = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "ja"}],
        "url": f"{name}.csv",
        "dc:title": about["title"],
        "dc:publisher": about["publisher"],
        "dc:license": terms.licence_url or terms.licence,
        "dc:modified": about["as_of"],
        "tableSchema": {
            "columns": [
                {
                    "name": column,
                    "titles": column,
                    "dc:description": [
                        {"@value": ja, "@language": "ja"},
                        {"@value": en, "@language": "en"},
                    ],
                    "datatype": kind,
                }
                for column, (ja, en, kind) in COLUMNS[name].items()
            ]
        },
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def _about(figures: Figures, terms: OpenData) -> dict[str, Any]:
    return {
        "title": f"{figures.municipality_name} 収納の状況",
        "publisher": figures.municipality_name,
        "municipality_code": figures.municipality_code,
        "as_of": figures.as_of.isoformat() if figures.as_of else None,
        "licence": terms.licence,
        "licence_url": terms.licence_url,
        "contact": terms.contact,
    }


def _values(figures: Figures, row: Row) -> dict[str, Any]:
    return {
        "period": row.period,
        "period_type": row.kind,
        "levy_code": row.levy_code,
        "levy_name": _levy(figures, row.levy_code),
        "channel": row.channel,
        "channel_name": _channel(row.channel),
        "count": row.count,
        "amount_yen": row.amount_yen,
        "withheld": int(row.count is None),
    }


def _rate(figures: Figures, row: RateRow) -> dict[str, Any]:
    return {
        "period": row.period,
        "levy_code": row.levy_code,
        "levy_name": _levy(figures, row.levy_code),
        "rate_percent": percent(row.tenths),
        "last_year_percent": percent(row.last_year_tenths),
        "withheld": int(row.tenths is None),
    }


def _share(row: ShareRow) -> dict[str, Any]:
    return {
        "period": row.period,
        "period_type": row.kind,
        "channel": row.channel,
        "channel_name": _channel(row.channel),
        "count_percent": percent(row.count_tenths),
        "amount_percent": percent(row.amount_tenths),
        "withheld": int(row.count_tenths is None),
    }


def _delay(row: DelayRow) -> dict[str, Any]:
    return {
        "period": row.period,
        "period_type": row.kind,
        "channel": row.channel,
        "channel_name": _channel(row.channel),
        "median_days": row.median_days,
        "nine_in_ten_days": row.slow_days,
        "withheld": int(row.median_days is None),
    }


def percent(tenths: int | None) -> float | None:
    """百分率: 987 → 98.7."""
    return None if tenths is None else tenths / 10


def _levy(figures: Figures, levy_code: str) -> str:
    return EVERYTHING[0] if levy_code == "all" else dict(figures.levies).get(levy_code, "")


def _channel(channel: str) -> str:
    return CHANNEL_NAMES.get(channel, EVERYTHING)[0]
