from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image
from slips import slip_page

from qr.layout.slip_page import PrintProfile, SlipFaultsError
from web.printing.picture import DPI, slip_picture


def test_a_slip_is_an_a4_picture_with_ink_on_it():
    picture = Image.open(BytesIO(slip_picture(slip_page(1), PrintProfile())))
    assert picture.format == "PNG"
    assert abs(picture.width - 210 / 25.4 * DPI) < 2
    darkest, lightest = picture.convert("L").getextrema()
    assert (darkest, lightest) == (0, 255)


def test_a_slip_that_must_not_be_printed_has_no_picture():
    with pytest.raises(SlipFaultsError):
        slip_picture(replace(slip_page(1), amount_yen=1), PrintProfile())
