"""回線: a line to the database server that can be slow, cut or down.

It is a process of its own, so that who computes beside it makes it no slower. Run as a program it
carries what is said, and reads on its standard input what is to happen; :class:`Wire` is the other
end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PIECE = 1 << 16


class Wire:
    """回線 to one port of this machine."""

    def __init__(self, port: int) -> None:
        """It leads to ``port``; its near end is ``self.port``."""
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._ask()["port"])

    def slow(self, seconds: float) -> None:
        """Every piece of what is said takes so much longer from now on."""
        self._ask(delay=seconds)

    def cut(self) -> None:
        """Every conversation ends in the middle of a word."""
        self._ask(cut=True)

    def lie_down(self, *, down: bool) -> None:
        """Nobody is let in any more, or everybody again."""
        self._ask(down=down)

    def close(self) -> None:
        """Nobody comes any more."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _ask(self, **what: Any) -> dict[str, Any]:
        """One order and the word that it was carried out; none: the first word of all."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if what:
            self._process.stdin.write(f"{json.dumps(what)}\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the line has gone"
        found: dict[str, Any] = json.loads(answer)
        return found


class _Line:
    """What carries."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.delay = 0.0
        self.down = False
        self.ends: set[asyncio.StreamWriter] = set()

    async def let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation, until either side or somebody else ends it."""
        if self.down:
            return writer.transport.abort()
        try:
            there = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return writer.transport.abort()
        self.ends |= {writer, there[1]}
        await asyncio.gather(self._carry(reader, there[1]), self._carry(there[0], writer))
        self.ends -= {writer, there[1]}
        return None

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(PIECE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                target.write(data)
                await target.drain()
        target.close()

    def obey(self, what: dict[str, Any]) -> None:
        """One order."""
        self.delay = what.get("delay", self.delay)
        self.down = what.get("down", self.down)
        if "cut" in what:
            for end in [*self.ends]:
                end.transport.abort()


async def _carry_on(port: int) -> None:
    line, loop = _Line(port), asyncio.get_running_loop()
    server = await asyncio.start_server(line.let_in, "127.0.0.1", 0)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    _say({"port": server.sockets[0].getsockname()[1]})
    while order := await orders.readline():
        line.obey(json.loads(order))
        _say({})


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_carry_on(int(sys.argv[1])))
