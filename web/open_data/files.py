"""公開データのファイル: the figures as CSV and JSON, and what their columns mean (CSVW).

The description follows W3C "Metadata Vocabulary for Tabular Data", so that a program finds the
columns of ``collections.csv`` in ``collections.csv-metadata.json``.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from web.texts.open_data import CHANNEL_NAMES, COLUMNS, EVERYTHING

if TYPE_CHECKING:
    from payments.domain.publishing import OpenData
    from web.open_data.tables import Figures, Row

CSV_NAME = "collections.csv"


def as_csv(figures: Figures) -> bytes:
    """CSV (RFC 4180) in UTF-8 with BOM; an empty figure is a withheld one."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in figures.rows:
        writer.writerow(_values(figures, row).values())
    return stream.getvalue().encode("utf-8-sig")


def as_json(figures: Figures, terms: OpenData) -> bytes:
    """The same with the date, the licence and the meaning of every column."""
    data = {
        **_about(figures, terms),
        "columns": {name: {"ja": ja, "en": en} for name, (ja, en, _kind) in COLUMNS.items()},
        "rows": [_values(figures, row) for row in figures.rows],
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def as_metadata(figures: Figures, terms: OpenData) -> bytes:
    """CSVW: what the columns of the CSV are."""
    about = _about(figures, terms)
    data = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "ja"}],
        "url": CSV_NAME,
        "dc:title": about["title"],
        "dc:publisher": about["publisher"],
        "dc:license": terms.licence_url or terms.licence,
        "dc:modified": about["as_of"],
        "tableSchema": {
            "columns": [
                {
                    "name": name,
                    "titles": name,
                    "dc:description": [
                        {"@value": ja, "@language": "ja"},
                        {"@value": en, "@language": "en"},
                    ],
                    "datatype": kind,
                }
                for name, (ja, en, kind) in COLUMNS.items()
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
    names = dict(figures.levies)
    return {
        "period": row.period,
        "period_type": row.kind,
        "levy_code": row.levy_code,
        "levy_name": names.get(row.levy_code, EVERYTHING[0])
        if row.levy_code in {"all", *names}
        else "",
        "channel": row.channel,
        "channel_name": CHANNEL_NAMES.get(row.channel, EVERYTHING)[0],
        "count": row.count,
        "amount_yen": row.amount_yen,
        "withheld": int(row.count is None),
    }
