"""台帳の対応づけ: several instalments to a line, and lines that name a difference."""

from __future__ import annotations

from datetime import date

import pytest
from delimited_samples import only
from hypothesis import given
from hypothesis import strategies as st
from mapped_samples import SHAPES, description, example, mapped, mapped_context

from payments.domain.errors import InvalidValueError
from reconcile.formats.delimited import joined

WIDE, CHANGES = map(description, SHAPES)


def read(shape, data):
    reading = mapped(shape).read(data, mapped_context(shape))
    return reading, [*reading.lines]


def within(shape, name, **values):
    return shape | {name: shape[name] | values}


def test_each_instalment_of_a_line_is_a_line():
    reading, lines = read(WIDE, example("sample_wide"))
    assert reading.findings == []
    assert [(line.line_no, line.term, line.amount_yen) for line in lines] == [
        (201, "01", 10_000), (202, "02", 10_000), (203, "03", 10_000), (204, "04", 10_000),
        (301, "01", 5_000), (411, "11", 8_000),
    ]  # fmt: skip
    assert [line.due_on_statutory for line in lines][3:] == ["2027-01-31", "2026-06-30",
                                                             "2026-12-25"]  # fmt: skip
    assert (reading.count, reading.amount_yen) == (6, 53_000)
    assert lines[4].obligor_name == "葛\U000e0100城 花子"


def test_changes_say_what_they_add_and_what_they_were_worked_out_from():
    reading, lines = read(CHANGES, example("sample_changes"))
    assert reading.findings == []
    assert [(line.kind, line.amount_yen, line.before_yen, line.change_no) for line in lines] == [
        ("difference", -3_000, 10_000, "K-1"), ("difference", -2_500, 10_000, "K-2"),
        ("difference", 500, None, "K-3"), ("cancellation", 0, 5_000, "K-4"),
        ("initial", 9_000, None, "K-5"),
    ]  # fmt: skip
    assert (reading.count, reading.amount_yen) == (5, 14_000)


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("sample_wide", '"8,000",R8.12.25', '"8,00x",R8.12.25',
         ("amount", 4, "随時税額→amount_yen", "8,00x")),
        ("sample_wide", "R8.12.25", "12/25", ("date", 4, "随時納期限→due_on_statutory", "12/25")),
        ("sample_wide", '"40,000"', '"40,001"', ("line_total", 2, "年税額→line_total", "40,001")),
        ("sample_changes", "取消,5000,5000", "取消,5000,4000",
         ("cancellation_amount", 5, "増減額→amount_yen", "4000")),
        ("sample_changes", "追加,,9000", "追加,,-9000",
         ("amount", 6, "増減額→amount_yen", "-9000")),
        ("sample_changes", "増減,,500", "増減,x,500",
         ("amount", 4, "更正前税額→before_yen", "x")),
        ("sample_changes", "増減,,500", "修正,,500",
         ("assessment_kind", 4, "異動区分→kind", "修正")),
        ("sample_changes", "計,5,14000", "計,5,-14000", ("trailer_total", 7, "", "-14000")),
        ("sample_changes", "計,5,", "計,6,", ("trailer_count", 7, "", "6")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_the_line_and_column_of_the_file(name, old, new, found):
    encoding = "cp932" if name == "sample_changes" else "utf-8"
    data = example(name).replace(old.encode(encoding), new.encode(encoding), 1)
    assert data != example(name)
    reading, _ = read(description(name), data)
    finding = only(reading.findings)
    assert (finding.code, finding.line_no, finding.field, finding.found) == found
    assert finding.expected
    assert reading.failed


def test_a_line_without_any_amount_is_said_and_makes_nothing():
    data = example("sample_wide").replace(b'"8,000",,', b"0,,").replace(b',"8,000",R8', b",,R8")
    reading, lines = read(WIDE, data)
    finding = only(reading.findings)
    assert (finding.code, finding.line_no, reading.failed) == ("no_instalment", 4, False)
    assert len(lines) == 5


def test_due_dates_may_stand_in_the_description_and_terms_be_numbers():
    days = {"01": "2026-06-30", "02": "2026-08-31"}
    shape = WIDE | {
        "column_header": False,
        "columns": [
            "団体コード",
            "税目",
            "課税年度",
            "通知書番号",
            "宛名番号",
            "氏名",
            "1期",
            "2期",
        ],
        "wide": {"terms": ["1", "2"]},
    }
    shape = within(shape, "fields", amount_yen="{n}期", due_on_statutory={"by_term": days})
    line = "999997,03,R8,20001,123,税目 太郎,100,200\r\n"
    _, lines = read(shape, line.encode())
    assert [(each.line_no, each.term, each.due_on_statutory) for each in lines] == [
        (101, "01", "2026-06-30"), (102, "02", "2026-08-31"),
    ]  # fmt: skip
    # The first line says which file it is: no date of the description makes up for a bad amount.
    assert not mapped(shape).identify(line.replace(",200", ",2x0").encode())


@pytest.mark.parametrize(
    ("written", "yen"),
    [("1,000", 1_000), ("+1,000", 1_000), ("-1,000", -1_000), ("1,000-", -1_000),
     ("△1,000", -1_000), ("▲1000", -1_000), ("－1000", -1_000), ("0", 0)],
)  # fmt: skip
def test_differences_are_written_in_several_ways(written, yen):
    data = example("sample_changes").replace(
        "増減,,500".encode("cp932"), f'増減,,"{written}"'.encode("cp932")
    )
    end = f"計,5,{13_500 + yen}".encode("cp932")
    reading, lines = read(CHANGES, data.replace("計,5,14000".encode("cp932"), end))
    assert reading.findings == []
    assert lines[2].amount_yen == yen


DEFECTS = [
    (within(WIDE, "wide", terms={"00": "第1期"}), "layout_value", "wide.terms"),
    (within(WIDE, "wide", terms=["1", "1"]), "layout_value", "wide.terms"),
    (within(WIDE, "wide", terms={"01": "期", "02": "期"}), "layout_value", "wide.terms"),
    (within(WIDE, "wide", terms=[]), "layout_value", "wide.terms"),
    (within(WIDE, "wide", misspelt=1), "layout_unknown", "wide.misspelt"),
    (WIDE | {"wide": 4}, "layout_value", "wide"),
    (WIDE | {"columns": ["団体コード", "第1期税額"]}, "layout_value", "wide.total"),
    (within(WIDE, "fields", term="期別"), "layout_value", "fields.term"),
    (within(WIDE, "fields", amount_yen="年税額"), "layout_value", "fields.amount_yen"),
    (within(WIDE, "fields", due_on_statutory={"by_term": {"01": "2026-06-30"}}),
     "layout_value", "fields.due_on_statutory.by_term"),
    (within(CHANGES, "fields", due_on_statutory={"by_term": {}}), "layout_missing",
     "fields.due_on_statutory.column"),
    (within(WIDE, "fields", amount_yen={"column": "{n}税額", "form": "signed"}),
     "layout_missing", "changes"),
    (WIDE | {"changes": {"before": "年税額"}}, "layout_value", "changes.before"),
    (within(CHANGES, "changes", after="x"), "layout_unknown", "changes.after"),
    (description("sample_obligors") | {"changes": {}}, "layout_value", "changes"),
    (description("sample_obligors") | {"wide": {"terms": ["1"]}}, "layout_value", "wide"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "code", "key"), DEFECTS)
def test_a_mistake_in_a_description_is_named_with_its_key(shape, code, key):
    with pytest.raises(InvalidValueError) as stopped:
        mapped(shape | {"file": "town.toml"})
    assert stopped.value.error_code == code
    assert (stopped.value.details["file"], stopped.value.details["key"]) == ("town.toml", key)


@st.composite
def notices(draw):
    """A description of some 期別 in any order of columns, and its file with what it means."""
    terms = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=12)))
    columns = [f"{kind}{term}" for kind in ("額", "限") for term in terms]
    order = draw(st.permutations(["通知", "計", *columns]))
    shape = {
        "code": "town_wide", "label": "調定", "register": "assessments", "names": "register",
        "delimiter": draw(st.sampled_from(["comma", "tab"])),
        "columns": draw(st.sampled_from([[], order])),
        "wide": {"terms": {f"{term:02}": str(term) for term in terms}, "total": "計"},
        "fields": {
            "municipality_code": {"constant": "99999"}, "item_code": {"constant": "901"},
            "fiscal_year": {"constant": "2026"}, "levy_year": {"constant": "2026"},
            "notice_no": "通知", "obligor_no": {"constant": "7"}, "amount_yen": "額{n}",
            "due_on_statutory": "限{n}", "kind": {"constant": "initial"},
        },
    }  # fmt: skip
    meant, lines = [], [order]
    for number in range(draw(st.integers(0, 5))):
        there = draw(st.lists(st.sampled_from(terms), unique=True))
        line = {"通知": str(number)} | dict.fromkeys(columns, "")
        for term in sorted(there):
            yen = draw(st.integers(0, 10**10))
            due = draw(st.dates(date(2026, 4, 1), date(2027, 3, 31))).isoformat()
            line |= {f"額{term}": str(yen), f"限{term}": due}
            meant.append(((number + 2) * 100 + term, str(number), f"{term:02}", yen, due))
        amounts = [line[f"額{term}"] for term in there]
        line["計"] = str(sum(map(int, amounts)))
        lines.append([line[name] for name in order])
    join = "\t".join if shape["delimiter"] == "tab" else joined
    return shape, "".join(join(line) + "\r\n" for line in lines).encode(), meant


@given(notices())
def test_what_is_written_wide_is_read_as_it_was_meant(town):
    shape, data, meant = town
    reading, lines = read(shape, data)
    assert {finding.code for finding in reading.findings} <= {"no_instalment"}
    found = [
        (line.line_no, line.notice_no, line.term, line.amount_yen, line.due_on_statutory)
        for line in lines
    ]
    assert found == meant
    assert (reading.count, reading.amount_yen) == (len(meant), sum(each[3] for each in meant))
