"""納付書の様式の取込: layout files beside a profile go into the profile, and come out as layouts.

The stored profile holds the whole text and its pictures, so that the database alone can print.
"""

from __future__ import annotations

import tomllib
from base64 import b64decode, b64encode
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from payments.domain.errors import ConfigurationError
from payments.domain.profile import SlipForm
from qr.layout.check import checked
from qr.layout.file import parse_layout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from payments.domain.profile import Profile
    from qr.layout.shapes import SlipLayout


def embedded_forms(folder: Path, files: Iterable[str]) -> list[dict[str, Any]]:
    """様式ファイル beside a profile → what the profile keeps; each is checked first.

    Raises:
        ConfigurationError: ``profile_toml``, a file that cannot be read.
        InvalidValueError: ``slip_layout``, a layout that must not be printed.
    """
    return [_embedded(folder, PurePath(file).name) for file in files]


def own_layouts(profile: Profile) -> tuple[SlipLayout, ...]:
    """様式: the municipality's own layouts, for :class:`qr.layout.slip_page.PrintProfile`."""
    return tuple(_layout(form) for form in profile.slip_layouts)


def _embedded(folder: Path, file: str) -> dict[str, Any]:
    """One layout file with the pictures that it names."""
    try:
        text = (folder / file).read_text("utf-8")
        named = [PurePath(item["file"]).name for item in tomllib.loads(text).get("pictures", ())]
        pictures = {name: b64encode((folder / name).read_bytes()).decode() for name in named}
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        path = str(folder / file)
        raise ConfigurationError("profile_toml", path=path, found=str(error)) from error
    _layout(SlipForm(file, text, pictures))
    return {"file": file, "text": text, "pictures": pictures}


def _layout(form: SlipForm) -> SlipLayout:
    """The layout of a kept form."""
    pictures = {name: b64decode(data) for name, data in form.pictures.items()}
    return checked(parse_layout(form.text, form.file, pictures), form.file)
