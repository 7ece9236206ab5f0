"""読取プロセス: what runs apart, reads one file and answers (see :mod:`qr.scan.apart`).

Started as ``python -m qr.scan.worker``. The request comes on standard input; each page goes out
as one line of JSON, then either why reading was refused or that all has been read.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError, KokinError
from qr.scan.limits import ScanLimits
from qr.scan.read import read_pages

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Read the request, then the file, within its limits."""
    request = json.loads(sys.stdin.buffer.readline())
    limits = ScanLimits(**request["limits"])
    say = _lines()
    _confine(limits)
    try:
        path, name = request["path"], request["name"]
        content = Path(path) if path is not None else sys.stdin.buffer.read()
        for slips in read_pages(content, name, limits):
            say({"slips": [dataclasses.asdict(slip) for slip in slips]})
    except KokinError as error:
        configuration = isinstance(error, ConfigurationError)
        details = {field: _plain(value) for field, value in error.details.items()}
        say({"error": error.error_code, "configuration": configuration, "details": details})
    except MemoryError:
        # Killed by its own hand, as the libraries in C are: the caller says what it means.
        os.abort()
    else:
        say({"finished": True})


def _lines() -> Callable[[dict[str, object]], None]:
    """Say one line; what libraries print goes elsewhere, or it would be taken for an answer."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(answer: dict[str, object]) -> None:
        print(json.dumps(answer), file=out, flush=True)

    return say


def _confine(limits: ScanLimits) -> None:
    """From here on the system ends this process rather than give it more than its limits."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_max, limits.memory_max))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the picture
    if math.isfinite(limits.seconds_max):
        # Should whoever asked be gone, nobody is left to kill this.
        seconds = math.ceil(limits.seconds_max * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _plain(value: object) -> object:
    """A detail of an error as JSON can say it."""
    return value if isinstance(value, (int, float)) else str(value)


if __name__ == "__main__":
    main()
