"""From the press to the answer: what is printed on paper is what a resident is answered by.

A print run writes a PDF; a page of it becomes a photograph, and the address printed on it becomes
what somebody types. Then money comes: first as 速報, then as 確報, and the answers change.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import konbini_dsk
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from web.cli import main
from web.commands.session import Session

M = "99999"
ADDRESS = "https://nofu.example.jp/"
DOTS = 200 / 72  # as a telephone takes it from above
STATE = re.compile(r'class="state">([^<]*)<')


@pytest.fixture
def slip(city, slips):
    """A slip that nobody has paid yet, with its barcode."""
    with unit_of_work(city.engine, M) as connection:
        profile = load_profile(connection, M)
        enquiries = replace(profile.enquiries, address=ADDRESS)
        save_profile(connection, replace(profile, enquiries=enquiries))
        return connection.execute(
            text(
                "SELECT slip_no, konbini_barcode, amount_yen FROM slip "
                "WHERE municipality_code = :m AND slip_id = :slip"
            ),
            {"m": M, "slip": slips["unconfirmed"].slip_id},
        ).one()


def _printed(city, slip, folder):
    """The only page of a print run: its picture and its words."""
    words = ("slips", "issue", "--slip", slip.slip_no, "--out", str(folder), "--workers", "1")
    session = Session(city.settings)
    done = CliRunner().invoke(main, words, obj=session)
    session.close()
    assert done.exit_code == 0, done.output
    (file,) = folder.glob("*.pdf")
    with pypdfium2.PdfDocument(file) as pdf:
        assert len(pdf) == 1
        page = pdf[0]
        picture = io.BytesIO()
        page.render(scale=DOTS, grayscale=True).to_pil().save(picture, "JPEG", quality=60)
        return picture.getvalue(), page.get_textpage().get_text_bounded()


def _shop_says(city, slip, kind, remitted_on):
    """A file of the convenience stores about the slip."""
    row = konbini_dsk.DskRow(
        kind=kind,
        paid_on="20260603",
        paid_at="1015",
        barcode=slip.konbini_barcode,
        amount_yen=slip.amount_yen,
        cvs_code="030",
        cvs_name="ﾐﾎﾝﾏｰﾄ",
        shop_code="000123",
        remitted_on=remitted_on,
        created_on="20260604",
    )
    delivery = Delivery(f"{kind}.csv", konbini_dsk.write([row]))
    report = take_in(city.engine, M, delivery, received_on=date(2026, 6, 4))
    assert report.status.is_good
    assert report.count == 1


def test_a_printed_slip_is_answered_and_the_answer_follows_the_money(
    city, client, hands, slip, tmp_path
):
    photo, words = _printed(city, slip, tmp_path / "out")
    (code,) = re.findall(re.escape(ADDRESS) + r"#([0-9A-Z]{4}(?:-[0-9A-Z]{4}){4})", words)
    assert "#の後の20文字が確認コード" in "".join(words.split())

    def state_of(answer):
        hands.on(seconds=2)  # what the answer rests on is kept for a second
        assert answer.status_code == 200
        return STATE.search(answer.get_data(as_text=True)).group(1)

    def shown():
        return state_of(client.post("/photo", data={"photo": (io.BytesIO(photo), "slip.jpg")}))

    def typed():
        return state_of(client.post("/code", data={"code": code.lower()}))

    assert (shown(), typed()) == ("未確認", "未確認")
    _shop_says(city, slip, "01", "0")
    assert typed() == "確認中（速報）"
    _shop_says(city, slip, "02", "20260608")
    assert (shown(), typed()) == ("納付済", "納付済")
    _shop_says(city, slip, "03", "0")
    assert typed() == "納付済"  # a 速報取消 behind the 確報 takes nothing back
    with reading(city.engine, M) as connection:
        ways = connection.execute(text("SELECT DISTINCT way FROM enquiry_log")).scalars()
        assert {*ways} == {"photo", "code"}
