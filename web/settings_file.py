"""設定ファイル: the settings by lines of ``KOKIN_…=value``, as systemd reads them, too.

The same file serves the units (``EnvironmentFile=``) and whoever types a command
(``KOKIN_SETTINGS_FILE``), so that both work on the same books. What the two could read in
different ways is refused with its line: a quote that does not end, a backslash within quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(
    r"""\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)=
        (?: "(?P<double>[^"\\]*)" | '(?P<single>[^'\\]*)' | (?P<bare>(?!["'])[^\\]*) )\s*""",
    re.VERBOSE,
)
_SEEN_BY_ALL = 0o007


def settings_of(path: Path) -> dict[str, str]:
    """設定ファイルの値: each ``KOKIN_`` name in capitals with its value, the last one of a name.

    Raises :class:`ConfigurationError` ``settings_file`` or ``settings_line``.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        found = getattr(error, "strerror", None) or "UTF-8"
        raise ConfigurationError("settings_file", path=str(path), found=found) from error
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        found_here = _LINE.fullmatch(line)
        if found_here is None:
            raise ConfigurationError("settings_line", path=str(path), line=number)
        name, said = found_here["name"].upper(), found_here["double"] or found_here["single"]
        if name.startswith("KOKIN_"):
            values[name] = said or (found_here["bare"] or "").strip()
    return values


def require_private(path: Path) -> None:
    """設定ファイルの権利: it may hold secrets, so nobody else may read it.

    Raises :class:`ConfigurationError` ``settings_file_open``.
    """
    if path.stat().st_mode & _SEEN_BY_ALL:
        raise ConfigurationError("settings_file_open", path=str(path))
