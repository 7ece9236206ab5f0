from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.domain.profile import profile_from_mapping
from web.admin import forms, toml
from web.admin.differences import change_row, change_words, differences
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
    for entry in forms.entries(before, section):
        shown = forms.values_of(before, section, entry)
        assert profile_from_mapping(forms.changed(before, section, entry, shown)) == PROFILE


def test_every_section_of_a_profile_has_its_form():
    """What pages of their own change, and what only a file can, is named here."""
    elsewhere = {"arrivals", "layouts", "registers", "slip_layouts", "municipality_code", "version"}
    elsewhere |= {"effective_on"}
    before = asdict(PROFILE)
    body = {field.name for field in forms.SECTIONS["body"]}
    assert before.keys() - elsewhere - body - forms.SECTIONS.keys() == set()
    for section, value in before.items():
        if isinstance(value, dict):
            shown = {field.name for field in forms.SECTIONS[section]}
            lists = {name for name in value if f"{section}.{name}" in forms.SECTIONS}
            only_in_files = {"answers"} if section == "debit" else set()  # a layout is data
            assert value.keys() - only_in_files == shown | lists


@pytest.mark.parametrize(
    ("section", "sent", "said"),
    [
        ("debit", {"lead_days": "5"}, ("口座振替", "振替日の何営業日前までに依頼するか", "7", "5")),
        ("debit", {"cut_off": "15:00"}, ("口座振替", "依頼の締切時刻", "16:00", "15:00")),
        ("debit", {"second_codes": "1\n8"}, ("口座振替", "再振替する振替結果コード", "1", "1、8")),
        ("refunds", {"newest_first": "yes"},
         ("還付・充当", "新しい納期限のものから充当する", "いいえ", "はい")),
        ("refunds", {"account": "9999-999-1-1234567"},
         ("還付・充当", "仕向口座", "—", "9999-999-1-1234567")),
        ("charges", {"booked": "on_receipt"},
         ("延滞金・分納", "延滞金を調定する時", "本税が完納されたとき",
          "本税が納められるたび")),
        ("dunning", {"limitation_days": "60"}, ("督促", "時効の何日前から知らせるか", "90", "60")),
        ("enquiries", {"address": "https://city.example/"},
         ("住民の照会", "照会のページのアドレス", "—", "https://city.example/")),
        ("costs", {"each_yen": "konbini_dsk=60\neltax = 33"},
         ("費用の単価", "一件の手数料の単価", "—", "konbini_dsk=60、eltax=33")),
        ("open_data", {"licence": "CC BY 4.0"}, ("数字の公開", "利用条件", "—", "CC BY 4.0")),
    ],
)  # fmt: skip
def test_a_value_of_a_section_of_its_own_is_one_difference(section, sent, said):
    before = asdict(PROFILE)
    shown = forms.values_of(before, section, "")
    after = profile_from_mapping(forms.changed(before, section, "", shown | sent))
    assert [change_row(one) for one in differences(before, asdict(after))] == [said]
    assert toml.read(toml.written(after)) == after


@pytest.mark.parametrize(
    ("section", "entry", "name"),
    [
        ("debit.banks", "9998", "bank_code"),
        ("charges.levies", "904", "item_code"),
        ("charges.fees", "904-2000-04-01-letter", "from_on"),
        ("enquiries.ways", "bank", "code"),
    ],
)
def test_an_entry_of_a_list_within_a_section_is_taken_out_and_put_in(section, entry, name):
    before = asdict(PROFILE)
    shown = forms.values_of(before, section, entry)
    less = forms.without(before, section, entry)
    if section == "charges.levies":  # its fee goes with it
        less = forms.without(less, "charges.fees", "904-2000-04-01-letter")
    less = asdict(profile_from_mapping(less))
    gone = [one for one in differences(before, less) if one.section == section]
    assert [(one.entry, one.change) for one in gone] == [(entry, "removed")]
    again = profile_from_mapping(forms.changed(less, section, "", shown))
    back = [one for one in differences(less, asdict(again)) if one.section == section]
    assert [(one.entry, one.change) for one in back] == [(entry, "added")]
    assert shown[name] in entry


def test_the_choices_of_a_field_are_what_the_body_has():
    before = asdict(PROFILE)
    choices = {
        (section, field.name): forms.options(before, field)
        for section, fields in forms.SECTIONS.items()
        for field in fields
        if field.of
    }
    items = tuple(item.item_code for item in PROFILE.items)
    assert choices["charges.levies", "item_code"] == items
    assert choices["charges.levies", "fee_item"] == ("", *items)
    assert choices["refunds", "account"] == ("", PROFILE.accounts[0].key)


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
        ("debit", {"cut_off": "25:00"}),
        ("debit", {"cut_off": "16"}),
        ("debit", {"lead_days": ""}),
        ("refunds", {"account": "0000-000-1-0000000"}),
        ("charges.fees", {"from_on": "令和8年"}),
        ("charges.fees", {"from_on": "20260401"}),
        ("charges.fees", {"item_code": "000"}),
        ("enquiries", {"misses_strict": "10000000000"}),
        ("costs", {"each_yen": "konbini_dsk"}),
        ("costs", {"each_yen": "konbini_dsk=1.5"}),
    ],
)
def test_a_value_that_cannot_be_names_its_field(section, change):
    entry = {"items": "901", "charges.fees": "901-2000-04-01-letter"}.get(section, "")
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
