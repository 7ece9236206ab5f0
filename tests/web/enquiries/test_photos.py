"""Photographs: so many are read at once, so many wait, and nobody else waits for them."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.enquiries import photos
from web.enquiries.photos import FullError, PhotoDesk
from web.slips.desk import picture

if TYPE_CHECKING:
    from qr.scan.slip_reading import SlipReading

M = "99999"
LONG = 120


class Held:
    """A reader that reads as long as the test wants, and counts how many read at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.now = self.most = 0
        self._lock = threading.Lock()

    def read(self, _data: bytes) -> list[SlipReading]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.begun.release()
        self.go.wait(LONG)
        with self._lock:
            self.now -= 1
        return []


def test_so_many_are_read_at_once_so_many_wait_and_the_next_is_told():
    held = Held()
    desk = PhotoDesk(held.read, at_once=2, waiting=3)

    def bring() -> None:
        # Whoever comes when the places below have been taken is told so, as anybody is.
        with suppress(FullError), desk.place():
            desk.read(b"x")

    threads = [threading.Thread(target=bring, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        assert held.begun.acquire(timeout=LONG)
    taken = 0
    while desk.enter():  # those that wait have their places by now, or will find them taken
        taken += 1
    assert taken <= 3
    with pytest.raises(FullError), desk.place():
        pass
    for _ in range(taken):
        desk.leave()
    held.go.set()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert held.most == 2
    with desk.place():
        assert desk.read(b"x") == []


def test_who_waits_too_long_is_told(monkeypatch):
    monkeypatch.setattr(photos, "WAIT_SECONDS", 0.01)
    held = Held()
    desk = PhotoDesk(held.read, at_once=1)
    first = threading.Thread(target=desk.read, args=(b"x",), daemon=True)
    first.start()
    assert held.begun.acquire(timeout=LONG)
    with pytest.raises(FullError):
        desk.read(b"y")
    held.go.set()
    first.join(LONG)
    assert not first.is_alive()


def test_at_least_one_is_read_and_half_of_the_machine_stays_free(monkeypatch):
    for processors, at_once in ((None, 1), (1, 1), (2, 1), (8, 4)):
        monkeypatch.setattr(photos.os, "cpu_count", lambda found=processors: found)
        assert photos.readers() == at_once


def _send(client, data, name="slip.png"):
    return client.post("/photo", data={"photo": (io.BytesIO(data), name)})


@pytest.fixture
def desk(app):
    """The place for photographs of the application, once it has been asked for."""
    app.test_client().get("/")
    return app.extensions["kokin_enquiries"].photos


def test_a_photo_of_a_printed_slip_is_answered(client, city, slips):
    with reading(city.engine, M) as connection:
        profile = load_profile(connection, M)
        data = picture(connection, profile, slips["unconfirmed"].slip_id)
    answer = _send(client, data)
    assert answer.status_code == 200
    assert "未確認" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("hands")
def test_what_cannot_be_read_is_explained(client, desk, monkeypatch):
    def refuse(_data):
        raise InvalidValueError("scan_too_many_pixels", file="photo", found=1, max=1)

    def page(answer):
        return answer.status_code, answer.get_data(as_text=True)

    monkeypatch.setattr(desk, "_read", lambda _data: [])
    assert "写真から納付書の番号を読み取れませんでした" in page(_send(client, b"x"))[1]
    monkeypatch.setattr(desk, "_read", refuse)
    status, said = page(_send(client, b"x"))
    assert (status, "この写真は読み取れませんでした" in said) == (422, True)
    status, said = page(client.post("/photo", data={}))
    assert (status, "写真を選んでください" in said) == (422, True)


@pytest.mark.usefixtures("hands")
def test_when_all_places_are_taken_the_rest_goes_on(client, desk):
    taken = 0
    while desk.enter():
        taken += 1
    assert taken == photos.readers() + photos.WAITING_MAX
    answer = _send(client, b"x" * 200_000)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "番号の入力なら、すぐに確認できます" in answer.get_data(as_text=True)
    english = client.post("/photo", data={"photo": (io.BytesIO(b"x"), "a.png")},
                          headers={"Accept-Language": "en"})  # fmt: skip
    assert "Many photos are being read now" in english.get_data(as_text=True)
    assert client.post("/", data={"case_key": "9" * 34}).status_code == 200
    for _ in range(taken):
        desk.leave()
    assert _send(client, b"x").status_code == 422
    left = 0
    while desk.enter():
        left += 1
    assert left == taken  # every photograph gave its place back


@pytest.mark.usefixtures("hands")
def test_one_source_neither_takes_all_places_nor_all_of_the_time(client, desk, monkeypatch):
    monkeypatch.setattr(desk, "_read", lambda _data: [])
    for _ in range(photos.EACH_MAX):
        assert desk.enter("127.0.0.1")
    assert _send(client, b"x").status_code == 503
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    form = {"photo": (io.BytesIO(b"x"), "slip.png")}
    assert client.post("/photo", data=form, environ_overrides=elsewhere).status_code == 422
    for _ in range(photos.EACH_MAX):
        desk.leave("127.0.0.1")
    told = [_send(client, b"x").status_code for _ in range(11)]
    assert told == [422] * 10 + [429]
