"""The board of arrivals in a real browser: readable without colour, without scripts, on a phone."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime

import pytest
import time_machine
from browser import fits, violations
from sqlalchemy import text

from payments.domain.arrivals import ArrivalRule
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from web import clock
from web.commands.setup import sample_profile
from web.jobs.arrivals import arrivals
from web.jobs.contract import JobContext

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"
MORNING = datetime(2026, 6, 2, 10, 30, tzinfo=clock.JST)


@pytest.fixture
def awaiting(city):
    """The second morning of the city: a source is red, one in part, one nil."""
    codes = ("konbini_dsk", "konbini_muf120", "konbini_mizuho120", "eltax")
    rules = tuple(ArrivalRule(code, cut_off="09:00", effective_on="2026-06-01") for code in codes)
    three = replace(rules[1], files=3)
    with unit_of_work(city.engine, "99999") as connection:
        profile = replace(sample_profile(), arrivals=(rules[0], three, *rules[2:]))
        save_profile(connection, profile)
        connection.execute(text("DELETE FROM nil_report WHERE municipality_code = '99999'"))
        connection.execute(
            text("UPDATE source_file SET format_code = 'gone' WHERE received_on = '2026-06-02' "
                 "AND format_code IN ('konbini_dsk', 'konbini_mizuho120')")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO nil_report VALUES ('99999', 'konbini_mizuho120', '2026-06-02', "
                 "'kaikei', '電話で確認', NULL)")
        )  # fmt: skip
    return city


def test_the_board_can_be_read_by_everybody(page, address, awaiting):
    with time_machine.travel(MORNING, tick=True):
        context = JobContext(
            awaiting.settings, awaiting.engine, "99999", clock.now(), "schedule", lambda _line: None
        )
        arrivals(context)
        page.goto(f"{address}/staff/")
        page.fill("#user_name", "kaikei")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/")
        for number, path in enumerate(("2026-06-02", "months/2026-06", "rules")):
            page.goto(f"{address}/staff/arrivals/{path}")
            for width in (1366, 390):
                page.set_viewport_size({"width": width, "height": 844})
                assert violations(page) == [], path
                assert fits(page), (path, width)
                if folder := os.environ.get("KOKIN_SHOTS"):
                    page.screenshot(path=f"{folder}/{number}-{width}.png", full_page=True)
        page.goto(f"{address}/staff/arrivals/2026-06-02")
        words = page.locator("#sources ~ .scroll tbody .badge").all_inner_texts()
        assert [word[0] for word in words] == ["■", "▲", "●", "▲", "▲", "－", "▲"]
        assert words[0] == "■ 未着（赤）"
        # Everything is there and can be done without a script: a nil report, by the keyboard.
        page.get_by_text("該当なしを登録").first.click()
        page.fill("#note-1", "電話で確認")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("#sources ~ .scroll tbody .badge").first.inner_text() == (
            "● 該当なし（緑）"
        )
