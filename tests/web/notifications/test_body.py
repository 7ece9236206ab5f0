"""What a request brings: a batch is read once, and each piece kept as the bytes that it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.notifications.body import Wrong, read
from web.notifications.receive import Told

SPACES = st.text(" \t\r\n", max_size=2)
GOOD = {
    "konbini_barcode": "9" * 44, "agent": "konbini_dsk", "cvs_code": "031", "shop_code": "000001",
    "amount_yen": 1000, "paid_on": "2026-06-02", "paid_at": "10:00",
}  # fmt: skip


@given(st.data(), st.integers(1, 4), st.booleans())
def test_each_piece_is_what_was_sent(data, number, escaped):
    """However it is spaced, and whichever way the name of the list is written."""

    def spaced(text: str) -> str:
        return data.draw(SPACES) + text + data.draw(SPACES)

    each = [
        spaced(
            json.dumps(
                GOOD | {"notification_id": f"n-{place}"},
                indent=data.draw(st.sampled_from([None, 1])),
            )
        )
        for place in range(number)
    ]
    name = r'"\u006eotifications"' if escaped else '"notifications"'
    body = spaced("{" + spaced(name) + ":" + spaced("[" + ",".join(each) + "]") + "}")
    found = read(body.encode(), None)
    assert found == [
        Told(f"n-{place}", text.strip(" \t\r\n").encode()) for place, text in enumerate(each)
    ]


ONE = json.dumps(GOOD | {"notification_id": "n-1"})


@pytest.mark.parametrize(
    ("body", "mistakes"),
    [
        (f'{{"notifications": [{ONE},]}}', [("", "not_json")]),
        (f'{{"notifications": [{ONE} {ONE}]}}', [("", "not_json")]),
        (f'{{"notifications": [{ONE}', [("", "not_json")]),
        (f'{{"notifications": [{ONE}]', [("", "not_json")]),
        (f'{{"notifications": [{ONE}]}} x', [("", "not_json")]),
        (f'{{"notifications": [{ONE}, NaN]}}', [("", "not_json")]),
        ('{"notifications": [' * 100_000, [("", "not_json")]),
        ('{"notifications": [{"kind": "paid", "kind": "paid"}]}', [("", "named_twice")]),
        (f'{{"notifications": [{ONE}], "notifications": []}}', [("", "named_twice")]),
        (f'{{"notifications": [{ONE}], "more": 1}}', [("/more", "member_unknown")]),
        (f'{{"more": 1, "notifications": [{ONE}]}}', [("/more", "member_unknown")]),
        ('{"notifications": []}', [("/notifications", "value_wrong")]),
        ('{"notifications": {}}', [("/notifications", "type_wrong")]),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_wrong_as_a_whole(body, mistakes):
    found = read(body.encode(), None)
    assert isinstance(found, Wrong)
    assert (found.code, found.body) == ("body_invalid", body.encode())
    assert [(each["pointer"], each["code"]) for each in found.errors] == mistakes


def test_a_list_under_another_name_is_a_single_notification():
    found = read(b'{"payments": [1]}', "n-1")
    assert isinstance(found, Wrong)
    assert found.notification_id == "n-1"
