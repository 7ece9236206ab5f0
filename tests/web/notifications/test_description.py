"""APIの説明: as data and as a page; both are made from the models that validate."""

from __future__ import annotations

import pytest
from browser import fits, violations

from reconcile.formats import notification
from reconcile.formats.delimited import PAYMENT_CHANNELS
from web import messages
from web.notifications.openapi import CODES, PATH, document
from web.notifications.schemas import ONE
from web.texts.errors import ERRORS

SCHEMAS = document()["components"]["schemas"]


def test_the_interface_describes_itself(client):
    answer = client.get("/api/v1/openapi.json")
    assert answer.content_type == "application/json"
    assert answer.json == document()
    assert answer.json["openapi"] == "3.1.0"
    assert set(answer.json["paths"]) == {PATH, f"{PATH}/{{id}}"}


def test_the_bodies_are_described_by_what_validates_them():
    made = ONE.json_schema(ref_template="#/components/schemas/{model}")["$defs"]
    assert made.keys() == {
        "UnifiedPayment",
        "UnifiedConfirmation",
        "KonbiniPayment",
        "KonbiniConfirmation",
    }
    for name, model in made.items():
        described = SCHEMAS[name]
        assert described["required"] == model["required"]
        assert described["additionalProperties"] is False
        assert described["properties"].keys() == model["properties"].keys()
        for member, form in model["properties"].items():
            for word in ("type", "pattern", "enum", "minimum", "maximum", "maxLength", "format"):
                assert described["properties"][member].get(word) == form.get(word), (name, member)


def test_every_member_is_read_by_the_format_that_keeps_it():
    read = {*notification._COMMON, *notification._UNIFIED, *notification._KONBINI}
    read |= notification._OTHER_MEMBERS | {"kind", "el_number"}
    told = {member for name in ("UnifiedPayment", "UnifiedConfirmation", "KonbiniPayment", "KonbiniConfirmation")
            for member in SCHEMAS[name]["properties"]}  # fmt: skip
    assert told <= read
    assert SCHEMAS["UnifiedPayment"]["properties"]["channel"]["enum"] == list(PAYMENT_CHANNELS)
    assert SCHEMAS["KonbiniPayment"]["properties"]["agent"]["enum"] == list(notification.AGENTS)


def test_every_member_and_code_is_explained():
    for name, schema in SCHEMAS.items():
        if name != "Finding":
            assert all(form.get("description") for form in schema["properties"].values()), name
    for codes in CODES.values():
        assert {messages.error(code) for code in codes}.isdisjoint({messages.UNKNOWN_ERROR})
        assert set(codes) <= ERRORS.keys()


def test_the_page_says_what_the_data_say(client):
    page = client.get("/api/v1/docs").get_data(as_text=True)
    for schema in SCHEMAS.values():
        for member in schema["properties"]:
            assert f">{member}</th>" in page
    for codes in CODES.values():
        for code in codes:
            assert f'id="{code}"' in page
    assert "openssl dgst -sha256 -hmac" in page


@pytest.mark.browser
def test_the_page_breaks_no_rule_of_accessibility(page, address):
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{address}/api/v1/docs")
        assert violations(page) == []
        assert fits(page)
    page.goto(f"{address}/api/v1/docs#nonce_used")
    assert page.locator("#nonce_used").is_visible()
