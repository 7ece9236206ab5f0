from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.domain.profile import profile_from_mapping
from web.admin import forms, toml
from web.admin.differences import change_words, differences
from web.commands.setup import sample_profile

PROFILE = sample_profile()
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def _said(before, after):
    found = differences(asdict(before), asdict(after))
    return [(*change_words(one), one.before, one.after) for one in found]


def test_a_new_entry_in_between_is_one_difference():
    first, *rest = PROFILE.items
    new = replace(first, item_code="950", name="保育料", law="public")
    after = replace(PROFILE, items=(first, new, *rest), confirmation_days=20)
    assert _said(PROFILE, after) == [
        ("科目 950", "追加", "", "950、保育料、public、はい、はい、standard、一般会計"),
        ("団体", "確報を待つ日数", "15", "20"),
    ]
    assert _said(after, replace(after, items=PROFILE.items)) == [
        ("科目 950", "削除", "950、保育料、public、はい、はい、standard、一般会計", "")
    ]


def test_values_of_an_entry_are_told_one_by_one():
    agent = replace(PROFILE.agents[0], fee="agreed", fee_each_yen=60)
    after = replace(PROFILE, agents=(agent, *PROFILE.agents[1:]))
    assert _said(PROFILE, after) == [
        (f"収納機関・送付元 {agent.code}", "手数料の扱い", "gross", "agreed"),
        (f"収納機関・送付元 {agent.code}", "一件の手数料（円）", "0", "60"),
    ]


@given(name=NAMES, contact=NAMES, days=st.integers(0, 1_000))
def test_a_profile_survives_its_file(name, contact, days):
    profile = replace(PROFILE, name=name, contact=contact, confirmation_days=days)
    assert toml.read(toml.written(profile)) == profile


@pytest.mark.parametrize("section", forms.SECTIONS)
def test_what_a_form_shows_is_what_it_sends_back(section):
    before = asdict(PROFILE)
    entries = [""] if section == forms.BODY else [
        forms.code_of(section, entry) for entry in before[section]
    ]  # fmt: skip
    for entry in entries:
        shown = forms.values_of(before, section, entry)
        assert profile_from_mapping(forms.changed(before, section, entry, shown)) == PROFILE


def test_an_entry_keeps_the_code_by_which_the_books_know_it():
    sent = forms.values_of(asdict(PROFILE), "items", "901") | {"item_code": "777", "name": "新"}
    after = profile_from_mapping(forms.changed(asdict(PROFILE), "items", "901", sent))
    assert after.item("901").name == "新"


def test_an_entry_is_added_and_removed():
    sent = forms.values_of(asdict(PROFILE), "items", "") | {"item_code": "777", "name": "新"}
    after = forms.changed(asdict(PROFILE), "items", "", sent)
    assert profile_from_mapping(after).item("777").el_qr
    assert profile_from_mapping(forms.without(after, "items", "777")) == PROFILE


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("body", {"confirmation_days": "-1"}),
        ("body", {"confirmation_days": "二"}),
        ("body", {"confirmation_days": "9999999"}),
        ("body", {"cases_share_max": "1.5"}),
        ("body", {"cases_share_max": "nan"}),
        ("body", {"name": " "}),
        ("items", {"law": "other"}),
    ],
)
def test_a_value_that_cannot_be_names_its_field(section, change):
    entry = "901" if section == "items" else ""
    sent = forms.values_of(asdict(PROFILE), section, entry) | change
    with pytest.raises(InvalidValueError) as caught:
        forms.changed(asdict(PROFILE), section, entry, sent)
    assert caught.value.error_code == "parameters_value"
    assert caught.value.details["field"] == next(iter(change))


@pytest.mark.parametrize(
    ("section", "entry"), [("nothing", ""), ("items", "000"), ("nothing", "x")]
)
def test_a_section_that_there_is_not_is_not_found(section, entry):
    with pytest.raises(NotFoundError) as caught:
        forms.values_of(asdict(PROFILE), section, entry)
    assert caught.value.error_code == "parameters_section"


def test_a_file_that_is_no_toml_says_where():
    with pytest.raises(InvalidValueError) as caught:
        toml.read("name = x")
    assert caught.value.error_code == "parameters_toml"
    assert "line 1" in str(caught.value.details["found"])
