"""Photographs: so many are read at once, so many wait, and nobody else waits for them."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.enquiries import photos
from web.enquiries.photo_places import Places, give_back
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


def _take_all(desk):
    """Every place that is left."""
    return [*iter(desk.enter, None)]


def _leave_all(desk, places):
    for place in places:
        desk.leave(place)
    return len(places)


def test_so_many_are_read_at_once_so_many_wait_and_the_next_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "WAIT_SECONDS", LONG)
    held = Held()
    desk = PhotoDesk(tmp_path, held.read, at_once=2, waiting=3)
    places = _take_all(desk)
    assert len(places) == 5
    threads = [threading.Thread(target=desk.read, args=(b"x",), daemon=True) for _ in places]
    for thread in threads:
        thread.start()
    for _ in range(2):
        assert held.begun.acquire(timeout=LONG)
    assert desk.enter() is None
    held.go.set()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert held.most == 2
    assert _leave_all(desk, places) == _leave_all(desk, _take_all(desk)) == 5


OTHER = """
import sys
from pathlib import Path
from web.enquiries.photo_places import Places
held = [Places(Path(sys.argv[1]), "place", 3).take("theirs", 2) for _ in range(2)]
print(len([place for place in held if place]), flush=True)
sys.stdin.read()
"""


def test_places_are_one_over_all_processes_and_none_is_lost_with_one(tmp_path):
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"2\n"
        places = Places(tmp_path, "place", 3)
        assert places.take("theirs", 2) is None  # another process counts for its source as well
        mine = places.take("mine", 2)
        assert mine is not None
        assert places.take("another", 2) is None
        other.kill()
    assert (tmp_path / "place-0.lock").read_text("ascii") == "theirs"
    theirs = places.take("theirs", 1)
    assert theirs is not None  # of what died nothing is counted
    give_back(theirs)
    give_back(mine)


def test_who_waits_too_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "WAIT_SECONDS", 0.0)
    held = Held()
    desk = PhotoDesk(tmp_path, held.read, at_once=1)
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
def test_when_the_machine_has_no_time_for_a_photo_its_sender_is_not_told_that_it_is_bad(
    client, desk, monkeypatch
):
    def too_slow(_data):
        raise InvalidValueError("scan_too_slow", file="photo", max="10")

    monkeypatch.setattr(desk, "_read", too_slow)
    answer = _send(client, b"x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "番号の入力なら、すぐに確認できます" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("hands")
def test_when_all_places_are_taken_the_rest_goes_on(client, desk):
    taken = _take_all(desk)
    assert len(taken) == photos.readers() + photos.WAITING_MAX
    answer = _send(client, b"x" * 200_000)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "番号の入力なら、すぐに確認できます" in answer.get_data(as_text=True)
    english = client.post("/photo", data={"photo": (io.BytesIO(b"x"), "a.png")},
                          headers={"Accept-Language": "en"})  # fmt: skip
    assert "Many photos are being read now" in english.get_data(as_text=True)
    assert client.post("/", data={"case_key": "9" * 34}).status_code == 200
    _leave_all(desk, taken)
    assert _send(client, b"x").status_code == 422
    assert _leave_all(desk, _take_all(desk)) == len(taken)  # every photograph gave its place back


@pytest.mark.usefixtures("hands")
def test_one_source_neither_takes_all_places_nor_all_of_the_time(app, client, desk, monkeypatch):
    monkeypatch.setattr(desk, "_read", lambda _data: [])
    whose = app.extensions["kokin_enquiries"].digest("source", "127.0.0.1")
    theirs = [desk.enter(whose) for _ in range(photos.EACH_MAX)]
    assert all(theirs)
    assert _send(client, b"x").status_code == 503
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    form = {"photo": (io.BytesIO(b"x"), "slip.png")}
    assert client.post("/photo", data=form, environ_overrides=elsewhere).status_code == 422
    _leave_all(desk, theirs)
    told = [_send(client, b"x").status_code for _ in range(11)]
    assert told == [422] * 10 + [429]
