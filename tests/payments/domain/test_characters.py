from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.characters import GETA, fallback, graphemes, in_jis
from payments.domain.errors import InvalidValueError
from payments.domain.profile import Characters, profile_from_mapping
from payments.domain.wareki import parse_era_day, parse_era_year

KATSU = "葛\U000e0100"
SAMPLE = files("web").joinpath("profiles", "99999.toml")


@pytest.fixture
def sample_values():
    return tomllib.loads(SAMPLE.read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (f"{KATSU}城", [KATSU, "城"]),
        ("𠮷田", ["𠮷", "田"]),
        ("か\u309aき", ["か\u309a", "き"]),
        ("\U000e0100あ", ["\U000e0100", "あ"]),
    ],
)
def test_characters_as_a_person_counts_them(text, parts):
    assert graphemes(text) == parts


@given(st.text())
def test_nothing_is_lost_by_counting(text):
    assert "".join(graphemes(text)) == text
    assert all(len(each) <= 4 for each in graphemes(text))


@pytest.mark.parametrize(
    ("text", "can", "decided", "shown"),
    [
        (KATSU, {KATSU}, {}, KATSU),  # the place has it
        (KATSU, {"葛"}, {}, "葛"),  # its base
        (KATSU, {"口"}, {KATSU: "口"}, "口"),  # what was decided
        ("\U00030000", {"口"}, {"\U00030000": "口"}, "口"),
        ("\uf900", {"豈"}, {}, "豈"),  # 互換漢字: the same character in JIS X 0213
        ("\U00030000", {"口"}, {}, GETA),
        ("\ue000", set(), {}, GETA),
    ],
)
def test_what_stands_for_a_character_in_the_stated_order(text, can, decided, shown):
    found, replaced = fallback(f"{text}田", {"田", *can}.__contains__, decided)
    assert found == f"{shown}田"
    assert [(one.character, one.instead) for one in replaced] == (
        [] if shown == text else [(text, shown)]
    )


def test_a_replaced_character_says_its_code_points():
    _, (one,) = fallback(KATSU, "葛".__eq__, {})
    assert one.codes == "U+845B U+E0100"
    assert (in_jis("葛"), in_jis(KATSU), in_jis("か\u309a")) == (True, False, True)


@pytest.mark.parametrize("decided", ["𰀀", "𰀀=", "ab=c", "𰀀=𰀀"])
def test_a_replacement_is_one_character_and_its_text(decided, sample_values):
    with pytest.raises(InvalidValueError) as stopped:
        profile_from_mapping(sample_values | {"characters": {"decided": [decided]}})
    assert stopped.value.error_code == "profile_field"


def test_a_replacement_is_found(sample_values):
    profile = profile_from_mapping(sample_values | {"characters": {"decided": ["𰀀=口"]}})
    assert profile.characters == Characters(decided=("𰀀=口",))
    assert profile.characters.table == {"𰀀": "口"}


@pytest.mark.parametrize(
    ("text", "coded", "day"),
    [
        ("R8.6.1", False, "2026-06-01"),
        ("令和元年5月1日", False, "2019-05-01"),
        ("H31/06/01", False, "2019-06-01"),
        ("5080601", True, "2026-06-01"),
        ("R1.4.30", False, None),
        ("R0.6.1", False, None),
        ("R8.2.30", False, None),
        ("8.6.1", False, None),
        ("2080601", True, None),
    ],
)
def test_a_day_with_its_era(text, coded, day):
    found = parse_era_day(text, coded=coded)
    assert (found.isoformat() if found else None) == day


@pytest.mark.parametrize(
    ("text", "coded", "year"),
    [("R8", False, 2026), ("令和8年度", False, 2026), ("508", True, 2026), ("R0", False, None),
     ("2026", False, None)],
)  # fmt: skip
def test_a_year_with_its_era(text, coded, year):
    assert parse_era_year(text, coded=coded) == year
