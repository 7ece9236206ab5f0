"""画面の二次元コード: a QR symbol as ``<svg>`` inside a page, without style or address (CSP)."""

from __future__ import annotations

import segno


def inline_svg(text: str, *, title: str) -> str:
    """二次元コード of ``text`` (JIS X 0510, level M, quiet zone of four modules).

    Dark on light whatever the page looks like; ``title`` is what a screen reader says, escaped.
    """
    return segno.make(text, error="m", micro=False).svg_inline(
        scale=5, border=4, light="#fff", title=title
    )
