"""台帳の書出し: registers are written line by line, because a large city does not fit twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from reconcile.formats.delimited import joined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from reconcile.formats.delimited import Layout


class Register:
    """台帳: what :meth:`Layout.write` gives, without holding the whole file."""

    def __init__(self, path: Path, layout: Layout) -> None:
        """Open ``path`` and write the column header."""
        self.count = 0
        self._total_yen = 0
        self._layout = layout
        self._stream = path.open("w", encoding=layout.encoding, newline="\r\n")
        self._stream.write(",".join(layout.names) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close with the trailer; a file that could not be finished gets none."""
        if kind is None:
            self._stream.write(f"{self._layout.last_line(self.count, self._total_yen)}\n")
        self._stream.close()

    def add(self, row: Sequence[object]) -> None:
        """One line."""
        self.count += 1
        if self._layout.money is not None:
            self._total_yen += int(str(row[self._layout.money]))
        self._stream.write(joined([str(value) for value in row]) + "\n")
