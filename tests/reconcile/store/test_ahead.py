"""先読み: the order stays, errors arrive in their place, and nobody reads on for nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from reconcile.store.ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_everything_comes_in_order() -> None:
    assert list(read_ahead(range(1_000))) == list(range(1_000))
    assert list(read_ahead([])) == []


def test_it_is_read_by_another_thread() -> None:
    def readers() -> Iterator[str]:
        yield threading.current_thread().name

    assert next(read_ahead(readers())) != threading.current_thread().name


def test_an_error_comes_in_its_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("the second portion")

    portions = read_ahead(broken())
    assert next(portions) == 1
    with pytest.raises(ValueError, match="the second portion"):
        next(portions)


def test_reading_stops_when_nobody_asks_for_the_rest() -> None:
    read: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            read.append(len(read))
            yield read[-1]

    before = set(threading.enumerate())
    portions = read_ahead(endless())
    assert [next(portions), next(portions)] == [0, 1]
    (reader,) = set(threading.enumerate()) - before
    portions.close()
    assert not reader.is_alive()
    assert len(read) < 100
