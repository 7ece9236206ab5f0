"""書出し: a text file that a command writes, whole or not at all, or standard output."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@contextmanager
def written(out: str) -> Iterator[TextIO]:
    """An open stream (UTF-8, line ends as they are written); ``-`` is standard output.

    The file is written beside its place and then renamed: nobody ever sees half of it. Raises
    :class:`ConfigurationError` ``output_unwritable``.
    """
    if out == "-":
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            yield stream
        finally:
            stream.flush()
            stream.detach()
        return
    target = Path(out)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(target)
    except OSError as error:
        raise ConfigurationError("output_unwritable", path=out, found=str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def write_whole(data: bytes, out: str) -> bool:
    """書出し of bytes, whole or not at all; whether a file was written and not standard output.

    Raises :class:`ConfigurationError` ``output_unwritable``.
    """
    if out == "-":
        sys.stdout.buffer.write(data)
        return False
    target = Path(out)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise ConfigurationError("output_unwritable", path=out, found=str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return True
