"""元: what starts the processes that tests kill says of each how that one has ended."""

from __future__ import annotations

import io
import json
import os
import sys

import kokin_forked
import pytest


def test_a_number_that_is_given_again_is_another_process(monkeypatch):
    # About 30,000 processes later the system gives the same number again: minutes on a busy day.
    start = {"start": ["verify"], "env": {}, "said": ""}
    asked = [start, {"ended": 77}, {"ended": 77}, start, {"ended": 77}, {"ended": 77}]
    looked = iter([(77, 1 << 8), (0, 0), (77, 0)])  # exit code 1; the second works on, then 0
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{json.dumps(a)}\n" for a in asked)))
    monkeypatch.setattr(sys, "stdout", said)
    monkeypatch.setattr(os, "fork", lambda: 77)
    monkeypatch.setattr(os, "waitpid", lambda _pid, _options: next(looked))
    with pytest.raises(SystemExit):
        kokin_forked._serve_requests()
    answers = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [a["status"] for a in answers if "status" in a] == [1, 1, None, 0]
