"""確認書の印刷: one paper as tagged PDF (PDF/UA-1), the same bytes from the same words.

typst sets it from ``confirmation.typ`` with the font of the machine, as the day report is set.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import typst

from web.certificates.confirmation import shown_code
from web.days.paper import fonts
from web.formatting import full_day, moment
from web.language import JAPANESE, speaking
from web.texts import residents as words

if TYPE_CHECKING:
    from web.certificates.confirmation import Issued, Paper


def paper_pdf(paper: Paper, issued: Issued, check_at: str) -> bytes:
    """The paper as PDF; ``check_at`` is where anybody can check it.

    Raises :class:`ConfigurationError` ``font_missing`` on a machine without the Japanese font.
    """
    with speaking(JAPANESE):  # a document is Japanese for every reader
        data = _data(paper, issued, check_at)
    return typst.compile(
        files("web.certificates").joinpath("confirmation.typ").read_bytes(),
        font_paths=fonts(),
        sys_inputs={"paper": json.dumps(data, ensure_ascii=False)},
        pdf_standards="ua-1",
        timestamp=issued.issued_at,
    )


def _data(paper: Paper, issued: Issued, check_at: str) -> dict[str, object]:
    """What the template prints: texts only."""
    facts = [
        (words.ISSUED_AT, moment(issued.issued_at)),
        (words.AS_OF, moment(paper.as_of)),
        *paper.facts,
    ]
    return {
        "title": paper.title,
        "municipality": paper.municipality,
        "holder": paper.holder,
        "sentence": paper.sentence,
        "columns": paper.columns,
        "rows": paper.rows,
        "facts": facts,
        "notes": paper.notes,
        "check": {
            "title": words.CODE,
            "code": shown_code(issued.code),
            "sentence": words.CHECK.format(
                check_at=check_at, expires_on=full_day(issued.expires_on)
            ),
        },
    }
