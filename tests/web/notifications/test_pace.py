"""回数: counted per key and minute."""

from __future__ import annotations

from web.notifications.pace import Pace


def test_each_key_has_its_minute():
    pace = Pace()
    assert [pace.wait("a", 2, 120.5) for _ in range(3)] == [0, 0, 60]
    assert pace.wait("b", 2, 130) == 0
    assert pace.wait("a", 2, 180) == 1
    assert pace.wait("a", 2, 180.5) == 0
