"""台帳の対応づけ: what a description may say, and what a file becomes by it."""

from __future__ import annotations

from datetime import date

import pytest
from delimited_samples import only
from hypothesis import given
from hypothesis import strategies as st
from mapped_samples import EXAMPLES, description, example, mapped, mapped_context, with_registers

from payments.domain.errors import InvalidValueError
from payments.domain.wareki import era_of
from reconcile.formats.delimited import joined
from reconcile.formats.mapped import claiming, mapping_of, mappings_of

IVS, BEYOND = "葛\U000e0100城 花子", "𠮷田 次郎"
HEAD = "団体,宛名,氏名,カナ,郵便,住所"
OBLIGORS = {
    "code": "town_names",
    "label": "宛名",
    "register": "obligors",
    "fields": {
        "municipality_code": "団体",
        "obligor_no": "宛名",
        "obligor_name": "氏名",
        "obligor_kana": "カナ",
        "postal_code": "郵便",
        "address": "住所",
    },
}
CLAIMS = {
    "code": "town_claims",
    "label": "調定",
    "register": "assessments",
    "column_header": False,
    "columns": ["団体", "科目", "年度", "賦課", "通知", "期", "宛名", "氏名", "税額", "納期限", "区分"],
    "fields": {
        "municipality_code": "団体", "item_code": "科目", "fiscal_year": "年度",
        "levy_year": "賦課", "notice_no": "通知", "term": "期", "obligor_no": "宛名",
        "obligor_name": "氏名", "amount_yen": "税額", "due_on_statutory": "納期限",
        "kind": {"column": "区分", "codes": {"1": "initial", "3": "cancellation"}},
    },
}  # fmt: skip
CLAIM = "99999,901,2026,2026,1,01,7,見本 太郎,100,2026-06-30,1"


def read(shape, data):
    reading = mapped(shape).read(data, mapped_context(shape))
    return reading, [*reading.lines]


def changed(shape, **values):
    return shape | values


def with_field(shape, name, rule):
    return shape | {"fields": shape["fields"] | {name: rule}}


def crlf(*lines, encoding="utf-8"):
    return "\r\n".join((*lines, "")).encode(encoding)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_shipped_examples_read_their_samples(name):
    shape = description(name)
    reading, lines = read(shape, example(name))
    assert reading.findings == []
    assert (reading.count, len(lines)) == (4, 4)
    assert [each.code for each in claiming(with_registers(*map(description, EXAMPLES)),
                                           example(name))] == [name]  # fmt: skip


def test_names_are_kept_character_by_character():
    _, lines = read(description("sample_obligors"), example("sample_obligors"))
    assert [line.obligor_name for line in lines] == ["税目 太郎", IVS, BEYOND, "𰀀田 三郎"]
    assert lines[1].obligor_kana == "カツラギ ハナコ"
    assert lines[1].address == "未来市二丁目2-2見本荘101"


def test_corrections_flags_and_japanese_dates_become_ours():
    reading, lines = read(description("sample_assessments"), example("sample_assessments"))
    assert [line.kind for line in lines] == ["initial"] * 3 + ["correction"]
    assert [line.flags for line in lines] == ["", "direct_debit", "dunning_hold", "direct_debit"]
    assert (lines[0].due_on_statutory, lines[0].levy_year) == ("2026-05-31", 2026)
    assert (lines[0].notice_no, lines[0].term, lines[0].item_code) == ("0000012345", "01", "901")
    assert reading.amount_yen == 42_300


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
def test_a_mark_at_the_beginning_is_no_character(begin):
    _, lines = read(OBLIGORS, begin + crlf(HEAD, f"99999,7,{IVS},カツラギ,1000001,町"))
    assert lines[0].obligor_name == IVS


def test_columns_may_move_where_the_header_names_them():
    data = crlf("余,住所,郵便,カナ,氏名,宛名,団体", "x,町,,ミホン,見本,7,99999")
    _, lines = read(OBLIGORS, data)
    assert lines[0][2:] == ("99999", "7", "見本", "ミホン", "", "町")
    fixed = changed(OBLIGORS, columns=HEAD.split(","))
    assert not mapped(fixed).identify(data)
    by_place = with_field(OBLIGORS, "address", {"column": 2})
    assert read(by_place, data)[1][0].address == "町"


@pytest.mark.parametrize(
    ("rule", "written", "became"),
    [
        ({"column": "納期限", "form": "yyyymmdd"}, "20260630", "2026-06-30"),
        ({"column": "納期限", "form": "yyyy/mm/dd"}, "2026/06/30", "2026-06-30"),
        ({"column": "納期限", "form": "wareki"}, "令和8年6月30日", "2026-06-30"),
        ({"column": "納期限", "form": "wareki"}, "R8.06.30", "2026-06-30"),
        ({"column": "納期限", "form": "gyymmdd"}, "5080630", "2026-06-30"),
    ],
)
def test_a_day_in_every_form(rule, written, became):
    shape = with_field(CLAIMS, "due_on_statutory", rule)
    reading, lines = read(shape, crlf(CLAIM.replace("2026-06-30", written)))
    assert reading.findings == []
    assert lines[0].due_on_statutory == became
    # Some other form of the same day is a finding, not a guess.
    bad, none = read(shape, crlf(CLAIM.replace("2026-06-30", written),
                                 CLAIM.replace("2026-06-30", "26.6.30")))  # fmt: skip
    assert (len(none), only(bad.findings).code) == (1, "date")
    assert only(bad.findings).field == "納期限→due_on_statutory"


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("99999", "12345", "other_municipality", "団体→municipality_code"),
        (",901,", ",777,", "unknown_item", "科目→item_code"),
        (",01,7", ",00,7", "term", "期→term"),
        (",100,", ",1x0,", "amount", "税額→amount_yen"),
        ("2026-06-30", "2026-02-30", "date", "納期限→due_on_statutory"),
        (",1", ",9", "assessment_kind", "区分→kind"),
        ("100,2026-06-30,1", "100,2026-06-30,3", "cancellation_amount", "税額→amount_yen"),
        ("見本 太郎", "", "obligor_name", "氏名→obligor_name"),
        ("見本 太郎", "a" * 101, "obligor_name", "氏名→obligor_name"),
        (",見本 太郎", "", "column_count", ""),
        ("見本 太郎", '"見本', "quoting", ""),
        ("見本 太郎", "見\x01本", "control_character", ""),
        ("見本 太郎", "見\n本", "newline", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_place(old, new, code, field):
    wrong = new.join(CLAIM.rsplit(old, 1))
    reading, lines = read(CLAIMS, crlf(CLAIM, wrong))
    finding = only(reading.findings)
    assert (finding.code, finding.line_no, finding.field) == (code, 2, field)
    assert len(lines) == 1
    assert reading.failed
    assert (finding.byte_offset or 0) >= len(crlf(CLAIM))


def test_the_year_of_the_due_date_is_compared():
    reading, lines = read(CLAIMS, crlf(CLAIM.replace("901,2026", "901,2025")))
    assert only(reading.findings).code == "fiscal_year"
    assert (len(lines), reading.failed) == (1, False)


def test_a_variant_is_one_character_and_a_hundred_are_not_too_many():
    long = crlf(CLAIM.replace("見本 太郎", "葛\U000e0100" * 100))
    assert len(read(CLAIMS, long)[1]) == 1
    longer = crlf(CLAIM, CLAIM.replace("見本 太郎", "葛\U000e0100" * 101))
    assert only(read(CLAIMS, longer)[0].findings).code == "obligor_name"


def test_a_file_that_was_cut_or_is_damaged_is_not_taken():
    whole = crlf(CLAIM, CLAIM.replace(",01,", ",02,"))
    assert only(read(CLAIMS, whole[:-2])[0].findings).code == "truncated"
    assert only(read(CLAIMS, whole[:-12])[0].findings).code == "truncated"
    damaged = whole + b"\xff\xff\r\n"
    assert only(read(CLAIMS, damaged)[0].findings).code == "undecodable"
    vendor = changed(CLAIMS, encoding="cp932")
    reading, _ = read(vendor, crlf(CLAIM, encoding="cp932") + b"99999,\xa0\r\n")
    assert only(reading.findings).code == "undecodable"
    assert only(read(OBLIGORS, b"")[0].findings).code == "header"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"END,4,", b"END,5,", "trailer_count"),
        (b",42300", b",42301", "trailer_total"),
        (b"END,4,42300\r\n", b"", "trailer_missing"),
        (b"END,4,42300\r\n", b"END,4,42300\r\nEND,4,42300\r\n", "after_trailer"),
    ],
)
def test_the_totals_of_the_last_line_tie(old, new, code):
    shape = description("sample_assessments")
    reading, _ = read(shape, example("sample_assessments").replace(old, new))
    assert only(reading.findings).code == code


def test_an_unknown_value_of_a_flag_is_no_flag():
    shape = description("sample_assessments")
    data = example("sample_assessments").replace(b"5080531,1,0,0", b"5080531,1,0,9")
    reading = mapped(shape)
    assert not reading.identify(data)  # the first line says which file it is
    data = example("sample_assessments").replace(b"5080531,1,0,1", b"5080531,1,0,9")
    finding = next(iter(read(shape, data)[0].findings))
    assert (finding.code, finding.found) == ("flags", "0 9")


DEFECTS = [
    ({"code": "Bad"}, "layout_value", "code"),
    ({"register": "slips"}, "layout_value", "register"),
    ({"encoding": "utf-16"}, "layout_value", "encoding"),
    ({"newline": "cr"}, "layout_value", "newline"),
    ({"delimiter": ";"}, "layout_value", "delimiter"),
    ({"columns": []}, "layout_missing", "columns"),
    ({"columns": ["団体", "団体"]}, "layout_value", "columns"),
    ({"names": "later"}, "layout_value", "names"),
    ({"names": "register"}, "layout_value", "fields.obligor_name"),
    ({"misspelt": 1}, "layout_unknown", "misspelt"),
    ({"flags": [{"flag": "x"}]}, "layout_value", "flags[0].flag"),
    ({"flags": [{"flag": "direct_debit", "column": "区分", "values": ["1"], "others": ["1"]}]},
     "layout_value", "flags[0].others"),
    ({"control": {"mark": "T"}}, "layout_missing", "control.count"),
]  # fmt: skip
RULES = [
    ("term", "列", "layout_value"),
    ("term", {"column": 12}, "layout_value"),
    ("term", {"column": "期", "constant": "01"}, "layout_missing"),
    ("term", {"column": "期", "form": "kana"}, "layout_value"),
    ("term", {"column": "期", "misspelt": 1}, "layout_unknown"),
    ("kind", {"column": "区分", "codes": {"1": 2}}, "layout_value"),
    ("nobody", "期", "layout_unknown"),
]


@pytest.mark.parametrize(("values", "code", "key"), DEFECTS)
def test_a_mistake_in_a_description_is_named_with_its_key(values, code, key):
    with pytest.raises(InvalidValueError) as stopped:
        mapped(CLAIMS | {"file": "town.toml"} | values)
    assert stopped.value.error_code == code
    assert (stopped.value.details["file"], stopped.value.details["key"]) == ("town.toml", key)


@pytest.mark.parametrize(("name", "rule", "code"), RULES)
def test_a_mistake_in_a_rule_is_named(name, rule, code):
    with pytest.raises(InvalidValueError) as stopped:
        mapped(with_field(CLAIMS, name, rule))
    assert stopped.value.error_code == code
    assert stopped.value.details["key"].startswith("registers[0].fields.")


def test_a_field_that_is_needed_must_be_mapped():
    fields = {name: rule for name, rule in CLAIMS["fields"].items() if name != "term"}
    with pytest.raises(InvalidValueError) as stopped:
        mapped(CLAIMS | {"fields": fields})
    assert stopped.value.details["key"] == "registers[0].fields.term"


@pytest.mark.parametrize("code", ["assessments", "zengin_statement", "town_names"])
def test_a_code_is_given_once(code):
    with pytest.raises(InvalidValueError) as stopped:
        mappings_of(with_registers(OBLIGORS, changed(CLAIMS, code=code)))
    assert stopped.value.error_code == "layout_code"


def test_a_mapping_is_found_by_its_code():
    profile = with_registers(OBLIGORS, CLAIMS)
    assert mapping_of(profile, "town_claims").LABEL_JA == "調定"
    assert mapping_of(profile, "other") is None


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40
)
# か゚ is one character of JIS X 0213 and two of Unicode.
JIS = st.lists(st.sampled_from([*"税目太郎葛城𠮟ー・", "か\u309a"]), min_size=1, max_size=40).map(
    "".join
)


@st.composite
def towns(draw):
    """A description and its file: encoding, delimiter, order of columns and date form vary."""
    encoding = draw(st.sampled_from(["utf-8", "shift_jis_2004"]))
    tab = draw(st.booleans())
    texts = JIS if encoding != "utf-8" else NAMES
    due = draw(st.dates(date(1951, 1, 1), date(2099, 12, 31)))
    era, year = era_of(due)
    digit = {"令和": 5, "平成": 4, "昭和": 3}[era.name]
    form, written = draw(
        st.sampled_from([
            ("yyyy-mm-dd", due.isoformat()), ("yyyymmdd", f"{due:%Y%m%d}"),
            ("yyyy/mm/dd", f"{due:%Y/%m/%d}"),
            ("wareki", f"{era.name}{'元' if year == 1 else year}年{due.month}月{due.day}日"),
            ("gyymmdd", f"{digit}{year:02}{due:%m%d}"),
        ])
    )  # fmt: skip
    name, yen = draw(texts), draw(st.integers(1, 10**11 - 1))
    notice = str(draw(st.integers(1, 10**9)))
    row = ["99999", "901", str(due.year - (due.month < 4)), str(due.year), notice, "01", "7", name,
           str(yen), written, "1"]  # fmt: skip
    order = draw(st.permutations(range(len(row))))
    shape = with_field(
        CLAIMS | {
            "encoding": encoding, "delimiter": "tab" if tab else "comma", "column_header": True,
            "columns": [CLAIMS["columns"][place] for place in order],
            "newline": draw(st.sampled_from(["crlf", "lf"])),
        },
        "due_on_statutory", {"column": "納期限", "form": form},
    )  # fmt: skip
    lines = [shape["columns"], [row[place] for place in order]]
    join = "\t".join if tab else joined
    end = "\n" if shape["newline"] == "lf" else "\r\n"
    data = "".join(join(line) + end for line in lines).encode(encoding)
    return shape, data, (name, due.isoformat(), yen, notice)


@given(towns())
def test_what_is_written_in_any_form_is_read_as_it_was_meant(town):
    shape, data, (name, due, yen, notice) = town
    if shape["delimiter"] == "tab" and "\t" in name:
        return
    reading, lines = read(shape, data)
    assert reading.findings == []
    line = lines[0]
    assert (line.obligor_name, line.due_on_statutory) == (name, due)
    assert (line.amount_yen, line.notice_no) == (yen, notice)
