"""Finished slip files with one thing wrong, as a printer, a program or a hand might leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pikepdf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def change_page(path: Path, number: int, change: Callable[[bytes], bytes]) -> None:
    """Rewrite the operators of one page (from 1); the change must change something."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        stream = pdf.pages[number - 1].obj.Contents
        before = stream.read_bytes()
        after = change(before)
        assert after != before
        stream.write(after)
        pdf.save(path)


def change_file(path: Path, change: Callable[[pikepdf.Pdf], None]) -> None:
    """Change the objects of the file."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        change(pdf)
        pdf.save(path)
