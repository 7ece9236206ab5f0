"""Personal columns at rest: nothing stands in clear, and everything that reads them reads."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from reference_rows import sample_profile
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import ConfigurationError
from payments.store import personal
from payments.store.engine import open_engine
from payments.store.known_keys import require_keys
from payments.store.municipalities import save_profile
from payments.store.personal import (
    ADDRESS,
    EXPECTED,
    MARK,
    PRINTED,
    Sealer,
    columns_pending,
    open_kept,
    reseal_columns,
)
from payments.store.sealed_bytes import Key, KeyRing
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.model import Delivery
from reconcile.person_account import person_account
from reconcile.refunds.sealed import seal_anew, write_text
from reconcile.registers import import_assessments
from reconcile.store.rekey import rekey
from reconcile.store.sealed_texts import texts_pending

M = "99999"
RECEIVED = date(2026, 6, 2)
NOW = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)
FIRST, SECOND = Key("2026", bytes(range(32))), Key("2027", bytes(range(1, 33)))
PEOPLE = 5
PLACE = (7, 1, 1)  # run, file, difference


@pytest.fixture
def town(database_url):
    """A municipality whose database can be opened with any ring."""
    engines = []

    def opened(*keys):
        engines.append(open_engine(database_url, keys=KeyRing(keys)))
        return engines[-1]

    with unit_of_work(opened(), M) as connection:
        save_profile(connection, sample_profile())
    yield SimpleNamespace(opened=opened, url=database_url)
    for engine in engines:
        engine.dispose()


def address(number):
    return f"未来市{number}丁目{number}-封印"


def assess(engine):
    """Five people, each with an address of their own."""
    head = (
        "municipality_code,item_code,fiscal_year,levy_year,notice_no,term,obligor_no,obligor_name,"
        "obligor_kana,postal_code,address,amount_yen,due_on_statutory,kind,whole_year_group,flags"
    )
    lines = [
        f"99999,901,2026,2026,{n:010d},01,{n:012d},見本 {n},ミホン,1000001,{address(n)},1000,"
        "2026-06-30,initial,,"
        for n in range(1, PEOPLE + 1)
    ]
    trailer = f"T,{PEOPLE},{PEOPLE * 1000}"
    data = "\r\n".join([head, *lines, trailer, ""]).encode()
    import_assessments(engine, M, Delivery("a.csv", data), received_on=RECEIVED)


def read(engine):
    with reading(engine, M) as connection:
        return [
            person_account(connection, M, f"{n:012d}").person.address for n in range(1, PEOPLE + 1)
        ]


def kept(engine, column=ADDRESS):
    with reading(engine, M) as connection:
        found = text(f"SELECT {column.name} FROM {column.table} ORDER BY {', '.join(column.key)}")
        return list(connection.execute(found).scalars())


def differ(engine):
    """A difference of a printed page, as the check of a print run writes it."""
    with unit_of_work(engine, M) as connection:
        sealer = Sealer(connection, M)
        connection.execute(
            text(
                "INSERT INTO print_run_difference (municipality_code, run_id, file_no, "
                "difference_no, page, slip_no, field, printed, expected) "
                "VALUES (:m, 7, 1, 1, 1, 'S1', 'obligor_address', :printed, :expected)"
            ),
            {
                "m": M,
                "printed": sealer.kept(PRINTED, PLACE, address(8)),
                "expected": sealer.kept(EXPECTED, PLACE, address(9)),
            },
        )


def raw(town):
    """Everything the database keeps, as bytes."""
    if town.url.startswith("sqlite"):
        path = Path(town.url.partition(":///")[2])
        wal = path.with_name(f"{path.name}-wal")
        return path.read_bytes() + (wal.read_bytes() if wal.exists() else b"")
    engine, found = town.opened(), []
    with reading(engine, M) as connection:
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f"SELECT t::text FROM {table} t")).scalars()
            found += [row.encode() for row in rows]
    return b"\n".join(found)


def in_clear(town):
    """Which addresses stand somewhere, as text or as the digits PostgreSQL shows of bytes."""
    found = raw(town)
    plain = [address(n).encode() for n in (*range(1, PEOPLE + 1), 8, 9)]
    return [each for each in plain if each in found or each.hex().encode() in found]


@pytest.mark.parametrize("kind", ["account", "address", "elsewhere"])
def test_what_an_older_ring_writes_behind_the_pass_over_it_keeps_the_run_open(town, kind):
    """A process that was not started again yet: its key stays needed until all is turned."""
    older, turned = town.opened(FIRST), town.opened(FIRST, SECOND)
    assess(older)
    behind = {"account": registered, "address": differ}
    late = [lambda: behind[kind](older)] if kind in behind else []
    others = [1] if kind == "elsewhere" else []

    def beside():
        left = reseal_columns(turned, M)
        with unit_of_work(turned, M) as connection:
            left += seal_anew(connection, M)
        if late:
            late.pop()()
        return left

    for finished, needed in ((False, ["2026", "2027"]), (True, ["2027"])):
        done = rekey(
            turned, M, actor="t", at=NOW, beside=beside,
            rest=lambda _connection: others.pop() if others else 0,
        )  # fmt: skip
        assert (done.finished, done.left, done.left_beside) == (finished, (), 0)
        with reading(turned, M) as connection:
            assert require_keys(connection, M) == needed
    with reading(town.opened(SECOND), M) as connection:
        assert texts_pending(connection, M) == columns_pending(connection, M) == 0


def registered(engine):
    """An account of a payee, as it is written down."""
    with unit_of_work(engine, M) as connection:
        write_text(connection, M, "1234567")


def test_with_a_ring_no_address_stands_in_the_database_and_all_are_read(town):
    engine = town.opened(FIRST)
    assess(engine)
    differ(engine)
    assert in_clear(town) == []
    assert read(engine) == [address(n) for n in range(1, PEOPLE + 1)]
    assert all(text_.startswith(f"{MARK}2026:") for text_ in kept(engine))


def test_without_a_ring_everything_is_as_it_was(town):
    engine = town.opened()
    assess(engine)
    assert kept(engine) == read(engine) == [address(n) for n in range(1, PEOPLE + 1)]
    assert len(in_clear(town)) == PEOPLE


def test_what_was_in_clear_is_sealed_and_turned_while_it_is_read(town, monkeypatch):
    monkeypatch.setattr(personal, "AT_ONCE", 2)
    clear, wanted = town.opened(), [address(n) for n in range(1, PEOPLE + 1)]
    assess(clear)
    differ(clear)
    seen = []
    for ring in ((FIRST,), (FIRST, SECOND)):
        engine = town.opened(*ring)

        def beside(engine=engine):
            return reseal_columns(engine, M, progress=lambda _done: seen.append(read(engine)))

        assert rekey(engine, M, actor="t", at=NOW, beside=beside).finished
    assert len(seen) > PEOPLE
    assert all(each == wanted for each in seen)  # in clear, under the old key and the new: read
    only_new = town.opened(SECOND)
    assert read(only_new) == wanted
    with reading(only_new, M) as connection:
        place = (PRINTED, M, PLACE, kept(only_new, PRINTED)[0])
        assert open_kept(connection, *place) == address(8)
        assert columns_pending(connection, M) == 0
    if town.url.startswith("sqlite"):  # PostgreSQL keeps old versions of rows until VACUUM
        with only_new.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert in_clear(town) == []
    back = rekey(
        only_new, M, actor="t", at=NOW, clear=True,
        beside=lambda: reseal_columns(only_new, M, clear=True),
    )  # fmt: skip
    assert back.finished
    assert kept(clear) == wanted


def test_a_run_that_was_cut_off_goes_on_where_it_was(town, monkeypatch):
    monkeypatch.setattr(personal, "AT_ONCE", 2)
    assess(town.opened(FIRST))
    engine = town.opened(FIRST, SECOND)

    def die(done):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reseal_columns(engine, M, progress=die)
    turned = kept(engine)[:4]
    assert [each[1:6] for each in kept(engine)] == ["2027:"] * 4 + ["2026:"]
    assert reseal_columns(engine, M) == 0
    assert kept(engine)[:4] == turned  # these were not sealed once more
    assert kept(engine)[4].startswith(f"{MARK}2027:")


@pytest.mark.parametrize(
    ("ring", "code"),
    [
        ((), "encryption_key_missing"),
        ((SECOND,), "encryption_key_missing"),
        ((Key("2026", bytes(32)),), "encryption_key_wrong"),
    ],
)
def test_a_ring_without_the_right_key_says_which_and_changes_nothing(town, ring, code):
    assess(town.opened(FIRST))
    other = town.opened(*ring)
    before = kept(other)
    with pytest.raises(ConfigurationError) as error:
        read(other)
    assert (error.value.error_code, error.value.details["found"]) == (code, "2026")
    assert reseal_columns(other, M, clear=True) == PEOPLE  # none opened
    assert kept(other) == before


def test_an_address_that_was_moved_to_somebody_else_or_altered_does_not_open(town):
    engine = town.opened(FIRST)
    assess(engine)
    stored = kept(engine)
    broken = f"{stored[2][:-8]}AAAAAAA="
    for number, wrong in ((1, stored[1]), (3, broken), (4, f"{MARK}2026:%%%")):
        with unit_of_work(engine, M) as connection:
            connection.execute(
                text("UPDATE obligor SET address = :wrong WHERE obligor_no = :no"),
                {"wrong": wrong, "no": f"{number:012d}"},
            )
        with reading(engine, M) as connection, pytest.raises(ConfigurationError) as error:
            person_account(connection, M, f"{number:012d}")
        assert error.value.error_code == "encryption_key_wrong"


def test_a_text_that_begins_like_a_seal_is_no_question(town):
    odd = f"{MARK}2026:AAAA"
    for keys in ((), (FIRST,)):
        with unit_of_work(town.opened(*keys), M) as connection:
            kept_as = Sealer(connection, M).kept(ADDRESS, ("1",), odd)
            assert kept_as != odd
            assert open_kept(connection, ADDRESS, M, ("1",), kept_as) == odd
            assert Sealer(connection, M).kept(ADDRESS, ("1",), "") == ""


def test_the_key_is_known_before_it_seals_anything(town):
    engine = town.opened(FIRST)
    with unit_of_work(engine, M) as connection:
        Sealer(connection, M)
    with reading(engine, M) as connection:
        assert require_keys(connection, M) == ["2026"]


def test_differences_of_pages_change_only_while_keys_are_turned_and_only_in_their_seals(town):
    engine = town.opened(FIRST)
    differ(engine)
    for change in ("printed = 'x'", "page = 2"):
        with pytest.raises(DBAPIError, match="append_only"):
            alter(engine, change)

    def beside():
        with pytest.raises(DBAPIError, match="append_only"):
            alter(engine, "page = 2")
        alter(engine, "printed = printed")
        return 0

    assert rekey(engine, M, actor="t", at=NOW, beside=beside).finished
    with pytest.raises(DBAPIError, match="append_only"):
        alter(engine, "printed = 'x'")


def alter(engine, change):
    with unit_of_work(engine, M) as connection:
        connection.execute(text(f"UPDATE print_run_difference SET {change}"))
