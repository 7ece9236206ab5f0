"""資料の名前: what a sender called a file, as a name that every system and every page takes."""

from __future__ import annotations

import unicodedata

NAME_MAX = 120  # characters; in UTF-8 and with an addition it stays below 255 bytes on a disk
_BYTES_MAX = 200


def safe_name(name: str) -> str:
    """A name without folders, control characters or undecodable bytes, and not too long.

    Its ending stays. Only for showing and archiving: what a file is, its content decides.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join("_" if unicodedata.category(letter)[0] == "C" else letter for letter in last)
    kept = kept.strip().lstrip(".") or "no-name"
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > 12:
        stem, ending = kept, ""
    else:
        ending = dot + ending
    stem = stem[: NAME_MAX - len(ending)]
    while len((stem + ending).encode()) > _BYTES_MAX:
        stem = stem[:-1]
    return stem + ending
