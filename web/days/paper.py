"""日計の印刷: a report on A4 that can be signed, as tagged PDF (PDF/UA-1), the same every time.

typst sets it from ``report.typ`` with the font of the machine; nothing is fetched from anywhere.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import typst

from payments.domain.errors import ConfigurationError
from web.days.sheet import cell_text

if TYPE_CHECKING:
    from datetime import datetime

    from web.days.sheet import Sheet
    from web.days.sheets import Heading

FONT = "BIZ UDGothic"
FONT_PACKAGE = "fonts-morisawa-bizud-gothic"
TEMPLATE = "report.typ"
SIGNATURES = ("会計管理者", "課長", "係長", "担当")


def report_pdf(heading: Heading, sheets: tuple[Sheet, ...], made_at: datetime) -> bytes:
    """The report as PDF; the same input gives the same bytes.

    ``made_at`` is the date that the document carries. Raises :class:`ConfigurationError`
    ``font_missing`` on a machine without the Japanese font.
    """
    return _compile(json.dumps(_data(heading, sheets), ensure_ascii=False), made_at)


def _compile(data: str, made_at: datetime) -> bytes:
    return typst.compile(
        files("web.days").joinpath(TEMPLATE).read_bytes(),
        font_paths=fonts(),
        sys_inputs={"report": data},
        pdf_standards="ua-1",
        timestamp=made_at,
    )


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """The fonts of this machine, looked for once."""
    found = typst.Fonts(include_embedded_fonts=False)
    if FONT not in found.families():
        raise ConfigurationError("font_missing", font=FONT, debian_package=FONT_PACKAGE)
    return found


def _data(heading: Heading, sheets: tuple[Sheet, ...]) -> dict[str, Any]:
    """What the template prints: texts only."""
    return {
        "title": heading.title,
        "municipality": heading.municipality,
        "state": heading.state,
        "facts": [list(fact) for fact in heading.facts],
        "signatures": SIGNATURES,
        "sheets": [
            {
                "title": sheet.title,
                "note": sheet.note,
                "columns": [
                    {"name": column.heading, "figure": column.is_figure, "kind": column.kind}
                    for column in sheet.columns
                ],
                "rows": [[cell_text(cell) for cell in row] for row in sheet.rows],
                "total": [cell_text(cell) for cell in sheet.total]
                if sheet.total and sheet.rows
                else None,
            }
            for sheet in sheets
        ],
    }
