"""別読み: a large file is read by a process of its own, while this one writes what has been read.

Python reads a million lines in four seconds, and SQLite writes in this very process. The other
process is given the bytes and what a format may know, answers with the lines, some thousand at a
time, and at the end with what the whole file says. On SQLite it looks up besides which lines have
come before (:mod:`reconcile.before`), as soon as this process says that it holds the books. Should
it come to grief, the rest is read here.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconcile.before import EarlierLines
from reconcile.formats.own_format import formats_of
from reconcile.model import ColumnedLines, Reading, in_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.formats.contract import Format
    from reconcile.model import Columns, ReadContext, ReportLine

LARGE_BYTES = 24 << 20  # below, starting a process takes longer than it saves
MIN_PROCESSORS = 2
_COMPARE = b"!"  # the word that the books are held
_BEFORE = "before"  # the answer to it


@contextmanager
def reading_of(
    found: Format, data: bytes, context: ReadContext, books: str | None = None
) -> Iterator[Reading]:
    """読取: the file as ``found`` reads it, by a process of its own when it is large.

    ``books``: the file of the books, for lines that are to be compared with those before them.
    """
    here = found.read(data, context)
    large = len(data) >= LARGE_BYTES and (os.cpu_count() or 1) >= MIN_PROCESSORS
    reader = _start() if large else None
    if reader is None:
        yield here
        return
    with reader:
        try:
            _ask(reader.stdin, (found.code, context, data, books))
            reading = Reading(found.code, found.channel, lines=iter(()))
            reading.lines = ColumnedLines(
                _portions(reader, reading, here), lambda: _let_go(reader.stdin, _COMPARE)
            )
            yield reading
        finally:
            reader.kill()
            _let_go(reader.stdin)


def _start() -> subprocess.Popen[bytes] | None:
    """The process that reads; None where there is no room for one."""
    command = [sys.executable, "-m", "reconcile.apart"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with suppress(OSError):
        # What it might complain of could name people; it is read here again if it fails.
        return subprocess.Popen(  # noqa: S603 - our own words; the file is none of them
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    return None


def until_failed(found: Reading) -> Iterator[ReportLine]:
    """The lines of a file; once it has failed it is read on for its findings alone."""
    # What the other process gives ends there by itself, and goes on in columns.
    return found.lines if isinstance(found.lines, ColumnedLines) else _until_failed(found)


def _until_failed(found: Reading) -> Iterator[ReportLine]:
    findings = found.findings
    for line in found.lines:
        if not (findings and found.failed):
            yield line


def _ask(stream: Any, question: tuple[str, ReadContext, bytes, str | None]) -> None:
    """Hand the file over to the other process; whether it is well shows when it answers."""
    with suppress(BrokenPipeError):
        pickle.dump(question, stream, pickle.HIGHEST_PROTOCOL)
        stream.flush()


def _let_go(stream: Any, word: bytes = b"") -> None:
    """Say a last word to the other process, which waits for one; nothing, once it was said."""
    if stream.closed:
        return
    with suppress(BrokenPipeError):
        stream.write(word)
    # What could not be handed over is still held by the stream, which tries once more as it closes.
    with suppress(BrokenPipeError):
        stream.close()


def _portions(
    reader: subprocess.Popen[bytes], reading: Reading, here: Reading
) -> Iterator[Columns]:
    """The lines as they come, in columns; then ``reading`` says what the whole file says."""
    _let_go(reader.stdin)
    lines, given = reading.lines, 0
    while isinstance(answer := _next(reader.stdout), list):
        yield answer
        given += len(answer[0])
    if answer is None:
        yield from in_columns(islice(until_failed(here), given, None))
        answer = _said(here)
    elif isinstance(lines, ColumnedLines):
        lines.before = answer.pop(_BEFORE)
    for name, value in answer.items():
        setattr(reading, name, value)


def _next(stream: Any) -> Any:
    """Columns of some lines, or what the whole file says; None from a process that has ended."""
    try:
        return pickle.load(stream)  # noqa: S301 - what our own process has written
    except (EOFError, pickle.UnpicklingError):
        return None


def _said(found: Reading) -> dict[str, Any]:
    """What a reading says beside its lines, once these have been read."""
    names = (field.name for field in fields(Reading) if field.name != "lines")
    return {name: getattr(found, name) for name in names}


def _answer(question: Any, stream: Any) -> None:
    """The other process: read the file and say what it holds."""
    gc.disable()  # what lines are made of goes in no circles, and it takes a tenth of the time
    code, context, data, books = pickle.load(question)  # noqa: S301 - from the process that asks
    found = next(each for each in formats_of(context.profile) if each.code == code)
    reading = found.read(data, context)
    # Whoever waits for the books says nothing; the books it sees before would be those of others.
    held = question.read(1) == _COMPARE
    earlier = EarlierLines(books if held else None, context.profile.municipality_code)
    for columns in in_columns(until_failed(reading)):
        pickle.dump(columns, stream, pickle.HIGHEST_PROTOCOL)
        earlier.look_for(columns)
    said = {_BEFORE: earlier.ended(), **_said(reading)}
    pickle.dump(said, stream, pickle.HIGHEST_PROTOCOL)
    stream.flush()


if __name__ == "__main__":
    _answer(sys.stdin.buffer, sys.stdout.buffer)
