from __future__ import annotations

import pytest

from web.commands.session import pace


@pytest.mark.parametrize(
    ("done", "total", "begun", "seconds", "said"),
    [
        (0, 100, 0, 5.0, ("", "")),
        (10, None, 0, 5.0, ("2 件/秒", "")),
        (20, 100, 0, 10.0, ("2 件/秒", "残り 0:00:40")),
        # What an earlier process did says nothing about the speed of this one.
        (20, 1_000, 900, 10.0, ("2 件/秒", "残り 0:00:40")),
        (3_000, 1_000_000, 0, 2.0, ("1,500 件/秒", "残り 0:11:05")),
        (110, 100, 0, 10.0, ("11 件/秒", "残り 0:00:00")),
    ],
)
def test_rate_and_remaining_time(done, total, begun, seconds, said):
    assert pace(done, total, begun, seconds) == said
