"""Own layouts: files beside a profile are checked, kept with it, and print without the files."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from io import BytesIO

import pytest
from PIL import Image

from payments.domain.errors import ConfigurationError, InvalidValueError
from payments.domain.profile import profile_from_mapping
from web.commands.setup import read_profile
from web.slip_forms import own_layouts

STANDARD = files("qr.layout").joinpath("standard.toml").read_text("utf-8")
PROFILE = files("web").joinpath("profiles", "99999.toml").read_text("utf-8")
PICTURE = 'pictures = [{ file = "logo.png", x = 110, y = 7, width = 10, height = 10 }]\n'


@pytest.fixture
def profile(tmp_path):
    logo = BytesIO()
    Image.new("RGB", (120, 120), "red").save(logo, "PNG")
    (tmp_path / "logo.png").write_bytes(logo.getvalue())
    ours = STANDARD.replace('name = "standard"', f'name = "ours"\n{PICTURE}', 1)
    (tmp_path / "ours.toml").write_text(ours, "utf-8")
    path = tmp_path / "profile.toml"
    path.write_text('slip_layouts = ["ours.toml"]\n' + PROFILE, "utf-8")
    return path


def test_a_profile_keeps_its_layouts_whole(profile):
    stored = json.dumps(asdict(read_profile(profile)), ensure_ascii=False)
    for file in profile.parent.iterdir():
        file.unlink()
    (layout,) = own_layouts(profile_from_mapping(json.loads(stored)))
    assert layout.name == "ours"
    assert layout.pictures[0].data.startswith(b"\x89PNG")
    assert layout.reference.startswith("ours-2-")


def test_a_layout_that_must_not_be_printed_is_refused(profile):
    path = profile.parent / "ours.toml"
    path.write_text(path.read_text("utf-8").replace("module_pt = 1.44", "module_pt = 1.3968"))
    with pytest.raises(InvalidValueError, match="slip_layout") as caught:
        read_profile(profile)
    assert caught.value.details["file"] == "ours.toml"
    assert caught.value.details["key"] == "el_qr.module_pt"


@pytest.mark.parametrize("lost", ["ours.toml", "logo.png"])
def test_a_file_that_is_not_there(profile, lost):
    (profile.parent / lost).unlink()
    with pytest.raises(ConfigurationError, match="profile_toml"):
        read_profile(profile)


def test_only_files_beside_the_profile_are_read(profile):
    folder = profile.parent / "elsewhere"
    folder.mkdir()
    (profile.parent / "ours.toml").rename(folder / "ours.toml")
    profile.write_text('slip_layouts = ["elsewhere/ours.toml"]\n' + PROFILE, "utf-8")
    with pytest.raises(ConfigurationError, match="profile_toml"):
        read_profile(profile)


def test_an_item_has_a_layout_that_there_is(profile):
    text = profile.read_text("utf-8").replace('layout = "vehicle"', 'layout = "{}"')
    profile.write_text(text.replace("{}", "ours"), "utf-8")
    assert {item.layout for item in read_profile(profile).items} == {"standard", "ours"}
    profile.write_text(text.replace("{}", "theirs"), "utf-8")
    with pytest.raises(InvalidValueError, match="slip_layout_name") as caught:
        read_profile(profile)
    assert caught.value.details["found"] == "theirs"
