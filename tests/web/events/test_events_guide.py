"""docs/events.md: the example for receivers holds for what is really sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from placing_town import row

from web.events.kinds import KINDS

GUIDE = Path(__file__).parents[3] / "docs" / "events.md"


@pytest.fixture
def database_url(sqlite_url):
    """What is sent does not differ between the databases."""
    return sqlite_url


@pytest.fixture
def is_genuine():
    """The function of the guide."""
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    scope = {}
    exec(example, scope)  # noqa: S102  # the guide's own words
    return scope["is_genuine"]


def test_the_example_knows_what_is_genuine(listening, receiver, is_genuine):
    secret = listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.tell()
    (heard,) = receiver.heard
    now = listening.moment.timestamp()
    assert is_genuine(heard.headers, heard.body, secret, now)
    assert not is_genuine(heard.headers, heard.body, secret, now + 301)
    assert not is_genuine(heard.headers, heard.body + b" ", secret, now)
    assert not is_genuine(heard.headers, heard.body, secret[:-5] + "AAAA=", now)


def test_the_event_of_the_guide_has_the_fields_that_are_sent(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.tell()
    sent = json.loads(receiver.heard[0].body)
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    shown = json.loads(shown)
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])
    assert re.fullmatch(r"evt_\d+_[0-9a-f]{8}", shown["id"])
    assert re.fullmatch(r"evt_\d+_[0-9a-f]{8}", sent["id"])


def test_every_kind_is_explained():
    said = GUIDE.read_text("utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in said] == []
