"""納付書の窓口のカメラ: what it sees is looked up like the digits of a hand scanner.

Chromium on this machine has no BarcodeDetector of its own, so the test gives it one that sees what
it is told, in a picture of nothing.
"""

from __future__ import annotations

import pytest
from browser import violations
from sqlalchemy import text

from payments.print_runs import slip_to_print
from payments.store.unit_of_work import reading
from web.printing.pages import symbol_digits

pytestmark = pytest.mark.browser
M = "99999"
DETECTOR = """
window.BarcodeDetector = class {
  constructor(wish) { window.wished = wish.formats; }
  async detect() { return window.seen.map((rawValue) => ({ rawValue })); }
};
// The empty page before the first one has no cameras, and may still be asked.
if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 9, 9);
  return canvas.captureStream(5);
};
window.seen = ["https://example.jp/"];
"""


@pytest.fixture
def desk(page, address):
    page.add_init_script(DETECTOR)
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "nofu")
    page.fill("#password", "kaikei-no-himitsu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    page.goto(f"{address}/staff/slips")
    return page


def test_a_symbol_before_the_camera_is_looked_up(desk, city):
    with reading(city.engine, M) as connection:
        slip_id, slip_no = connection.execute(
            text(
                "SELECT slip_id, slip_no FROM slip WHERE konbini_barcode IS NOT NULL "
                "AND el_number IS NOT NULL AND state = 'new' ORDER BY slip_id LIMIT 1"
            )
        ).one()
        el_qr, barcode = symbol_digits(slip_to_print(connection, M, slip_id))
    for seen in (el_qr, f"]C1{barcode}"):
        desk.click(".camera-open")
        desk.wait_for_selector(".camera-said:has-text('記号ではありません')")
        assert violations(desk) == []
        with desk.expect_navigation():
            desk.evaluate("(text) => { window.seen = [text]; }", seen)
        desk.wait_for_selector("h2#results")
        assert slip_no in desk.inner_text("main")
        assert seen.removeprefix("]C1") not in desk.url


def test_a_camera_that_is_refused_leaves_the_other_ways(desk):
    desk.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no')); }"
    )
    desk.click(".camera-open")
    desk.wait_for_selector(".camera-said:has-text('画像を選ぶか、番号を入れてください')")
    assert desk.evaluate("window.wished") == ["qr_code", "code_128"]
    assert desk.is_visible(".camera-open")
