"""フォント名: a layout names a font by its file name, and gets nothing else of the machine."""

from __future__ import annotations

import pytest

from payments.domain.errors import ConfigurationError
from qr.layout.fonts import find_font


@pytest.mark.parametrize("out", ["../secret.ttf", "{folder}/secret.ttf", "9" * 400, ".."])
def test_no_way_out_of_the_font_folders(tmp_path, out):
    (tmp_path / "secret.ttf").write_bytes(b"no font")
    folder = tmp_path / "fonts"
    folder.mkdir()
    with pytest.raises(ConfigurationError) as refused:
        find_font(out.format(folder=tmp_path), (folder,))
    assert refused.value.error_code == "font_missing"


def test_a_file_in_them_is_found(tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"font")
    assert find_font("a.ttf", (tmp_path,)) == tmp_path / "a.ttf"
