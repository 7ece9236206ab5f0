"""Residents' ways in, in a real browser: typed, pasted, photographed and scanned.

Chromium on this machine has no BarcodeDetector of its own, so the test gives it one that decodes the
very frames of the camera; the camera is a film of a printed slip.
"""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from browser import _program, fits, violations
from keyboard import press, tab_to, type_into
from PIL import Image
from sqlalchemy import text

from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from qr.scan.read import decode
from web.enquiries.slip_code import code_of
from web.slips.desk import picture

pytestmark = pytest.mark.browser
M = "99999"
SCREENS = {"phone": (360, 640), "tablet": (768, 1024), "office": (1366, 768)}
DETECTOR = """
window.BarcodeDetector = class {
  async detect(video) {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const texts = await window.decodeFrame(canvas.toDataURL("image/png"));
    return texts.map((rawValue) => ({ rawValue }));
  }
};
"""


def _decode_frame(address):
    data = base64.b64decode(address.partition(",")[2])
    with Image.open(io.BytesIO(data)) as frame:
        return [said for kind, said in decode(frame.convert("L")) if kind == "el_qr"]


@pytest.fixture
def paper(city, slips):
    """A printed slip of which nothing is known yet, as a picture."""
    with reading(city.engine, M) as connection:
        profile = load_profile(connection, M)
        return picture(connection, profile, slips["unconfirmed"].slip_id)


@pytest.fixture
def film(paper, tmp_path):
    """What a camera sees that is held over the eL-QR of the slip: one second, again and again."""
    with Image.open(io.BytesIO(paper)) as whole:
        near = whole.convert("L").crop((560, 120, 880, 300)).resize((1280, 720))
    grey = np.asarray(near).tobytes()
    colour = bytes([128]) * (1280 * 720 // 4)
    path = tmp_path / "slip.y4m"
    frame = b"FRAME\n" + grey + colour + colour
    path.write_bytes(b"YUV4MPEG2 W1280 H720 F10:1 Ip A1:1 C420jpeg\n" + frame * 3)
    return path


@pytest.fixture
def camera(chromium, film):
    """A browser whose camera is the film."""
    started = chromium.browser_type.launch(
        executable_path=_program(),
        args=[
            "--no-sandbox",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )
    yield started
    started.close()


def _rows(city):
    with reading(city.engine, M) as connection:
        return connection.execute(
            text("SELECT way, answer, proven FROM enquiry_log ORDER BY way, enquiry_id")
        ).all()


def _print_codes(city):
    """Slips carry an address and a code from now on."""
    with unit_of_work(city.engine, M) as connection:
        profile = load_profile(connection, M)
        enquiries = replace(profile.enquiries, address="https://nofu.example.jp/")
        save_profile(connection, replace(profile, enquiries=enquiries))


def _told(page):
    page.wait_for_selector(".answer .state")
    return page.locator(".answer .state").all_inner_texts()


def test_the_camera_reads_a_printed_slip(camera, address, city):
    context = camera.new_context(locale="ja-JP", permissions=["camera"])
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.expose_function("decodeFrame", _decode_frame)
    page.add_init_script(DETECTOR)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(address)
    assert violations(page) == []
    assert not any("/scan.js" in url for url in loaded)  # not before somebody scans
    page.click(".camera-open")
    assert _told(page) == ["未確認"]
    assert any("/scan.js" in url for url in loaded)
    assert [tuple(row) for row in _rows(city)] == [("number", "unconfirmed", True)]
    sent = [url for url in loaded if not url.startswith(f"{address}/static/")]
    assert {url.removeprefix(address) for url in sent} == {"/"}  # no picture, no number in it
    assert wrong == []
    context.close()


def test_a_camera_that_is_refused_leaves_the_other_ways(page, address):
    page.add_init_script(DETECTOR)
    # The empty page before the first one has no cameras, and may still be asked.
    page.add_init_script(
        "if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = "
        "() => Promise.reject(new Error('no'));"
    )
    page.goto(address)
    page.click(".camera-open")
    page.wait_for_selector(".camera-said:not(:empty)")
    assert "写真を選ぶか、番号を入力してください" in page.inner_text(".camera-said")
    assert page.is_visible(".camera-open")
    assert violations(page) == []


def test_without_a_detector_no_camera_is_offered(page, address):
    page.goto(address)
    if not page.evaluate("'BarcodeDetector' in window"):
        assert page.is_hidden("#camera")
    assert page.is_visible("#photo")


@pytest.mark.parametrize("screen", SCREENS)
def test_typed_on_every_screen(page, address, city, slips, screen):
    width, height = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    assert fits(page)
    assert violations(page) == []
    page.fill("#item_code", slips["unconfirmed"].el_number)
    values = [field.input_value() for field in page.locator("input[data-length]").all()]
    assert "".join(values) == slips["unconfirmed"].el_number
    assert [len(value) for value in values] == [5, 20, 6, 3]
    page.click(".number-form button")
    assert _told(page) == ["未確認"]
    assert fits(page)
    assert violations(page) == []
    assert [tuple(row) for row in _rows(city)] == [("number", "unconfirmed", True)]


def test_photographed_with_a_telephone(page, address, city, paper):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    page.set_input_files("#photo", {"name": "a.png", "mimeType": "image/png", "buffer": paper})
    page.click(".photo-form button")
    assert _told(page) == ["未確認"]
    assert [tuple(row) for row in _rows(city)] == [("photo", "unconfirmed", True)]


def test_by_keyboard_alone(page, address, slips):
    page.goto(address)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "collecting_body_code":
            break
    place = 0
    for length in (5, 20, 6, 3):
        page.keyboard.type(slips["paid"].el_number[place : place + length])
        page.keyboard.press("Tab")
        place += length
    page.keyboard.press("Enter")
    assert _told(page) == ["納付済"]


def test_a_mistake_is_where_one_reads_on(page, address):
    page.goto(address)
    page.fill("#collecting_body_code", "123")
    page.fill("#case_key", "12x")
    page.click(".number-form button")
    page.wait_for_selector(".mistakes:focus")  # the script puts it there
    assert "収納機関番号は数字5桁です。いま3桁なので、足りません。" in page.inner_text(".mistakes")
    assert page.locator("[aria-invalid=true]").count() == 4
    assert violations(page) == []
    assert fits(page)


def test_by_keyboard_alone_without_javascript(chromium, address, city, slips, paper):
    context = chromium.new_context(locale="ja-JP", java_script_enabled=False)
    page = context.new_page()

    def told(path):
        page.wait_for_url(f"{address}{path}")
        page.wait_for_selector(".state")
        return page.locator(".state").all_inner_texts()

    page.goto(address)
    assert page.is_hidden("#camera")
    number = slips["provisional"].el_number
    type_into(page.locator("#case_key"),
              f"{number[:5]}-{number[5:25]} {number[25:31]}　{number[31:]}")  # fmt: skip
    press(page.locator(".number-form button"))
    assert told("/") == ["確認中（速報）"]
    press(page.get_by_role("link", name="別の納付書を確認する"))
    page.wait_for_selector("#photo")
    tab_to(page.locator("#photo"))
    page.set_input_files("#photo", {"name": "a.png", "mimeType": "image/png", "buffer": paper})
    press(page.locator(".photo-form button"))
    assert told("/photo") == ["未確認"]
    page.goto(address)
    press(page.get_by_role("link", name="何枚かをまとめて確認する"))
    page.wait_for_selector("#numbers")
    tab_to(page.locator("#numbers"))
    page.keyboard.type(f"{number}\n{slips['paid'].el_number}")
    press(page.locator("main form.digits button"))
    assert told("/several") == ["確認中（速報）", "納付済"]
    assert [row.proven for row in _rows(city)] == [False] * 4
    context.close()


def test_the_codes_of_paper_are_typed_by_keyboard_alone_without_javascript(
    chromium, address, city, slips
):
    _print_codes(city)
    code = code_of(city.settings.secret().encode(), M, slips["paid"].slip_id)
    context = chromium.new_context(locale="ja-JP", java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    type_into(page.locator("#code"), code)
    press(page.locator(".code-form button"))
    page.wait_for_selector(".state")
    assert page.inner_text(".state") == "納付済"
    press(page.get_by_role("link", name="書面の検証"))
    page.wait_for_url("**/verify")
    type_into(page.locator("#code"), "99999-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA")
    press(page.get_by_role("button", name="検証する"))
    page.wait_for_selector(".state")
    assert "確認できません" in page.inner_text(".state")
    context.close()


def test_several_slips_with_a_script(page, address, city, slips):
    page.goto(f"{address}/several")
    assert violations(page) == []
    page.fill("#numbers", "\n".join(slips[name].el_number for name in ("paid", "expired")))
    page.click("main form.digits button")
    assert _told(page) == ["納付済", "取扱期限切れ"]
    assert violations(page) == []
    assert [row.proven for row in _rows(city)] == [True, True]


def test_the_code_of_a_printed_address_is_in_no_request_line(page, address, city, slips):
    _print_codes(city)
    code = code_of(city.settings.secret().encode(), M, slips["paid"].slip_id)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
    page.goto(f"{address}/#{code}")
    assert _told(page) == ["納付済"]
    assert code not in page.url
    assert [
        line for line in asked if code[:9] in line.partition("#")[0] + line.partition(" ")[2]
    ] == []
    page.go_back()
    assert code not in page.url


def test_the_page_is_light(page, address):
    answers = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - no built-in will do
    page.goto(address)
    page.wait_for_load_state("networkidle")
    weights = {answer.url.removeprefix(address): len(answer.body()) for answer in answers}
    assert len(weights) >= 3
    assert sum(weights.values()) < 150_000, weights
