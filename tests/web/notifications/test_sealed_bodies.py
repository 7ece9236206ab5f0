from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import Key, KeyRing, key_id_of
from reconcile.store.rekey import rekey
from web.notifications.door import Refused, keep_refused, refused_body
from web.notifications.reseal import reseal_all
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival

FIRST, SECOND = Key("k1", bytes(range(32))), Key("k2", bytes(range(1, 33)))
BODY = b'{"amount_yen": 12300}'
ARRIVAL = Arrival("op", "n-1", BODY, hashlib.sha256(BODY).hexdigest())


def test_a_body_waits_sealed_and_comes_out_as_it_came(books):
    url = books.engine.url.render_as_string(hide_password=False)
    engines = [
        open_engine(url, keys=KeyRing([FIRST])),
        open_engine(url, keys=KeyRing()),
    ]
    sealed, clear = (Spool(engine) for engine in engines)
    try:
        first, _ = sealed.append("99999", ARRIVAL)
        second, _ = clear.append("99999", ARRIVAL._replace(notification_id="n-2"))
        numbers = [first.spool_no, second.spool_no]
        assert sealed.bodies("99999", numbers) == dict.fromkeys(numbers, BODY)
        assert clear.bodies("99999", numbers[1:]) == {numbers[1]: BODY}
        with pytest.raises(ConfigurationError) as refused:
            clear.bodies("99999", numbers)
        assert refused.value.error_code == "encryption_key_missing"
    finally:
        _end(engines, sealed, clear)


def _end(engines, *spools):
    for spool, engine in zip(spools, engines, strict=True):
        spool.close()
        engine.dispose()


def test_bodies_turn_with_the_keys_and_nothing_else_about_them_may(books):
    url = books.engine.url.render_as_string(hide_password=False)
    rings = [KeyRing(), KeyRing([FIRST]), KeyRing([FIRST, SECOND])]
    engines = [open_engine(url, keys=ring) for ring in rings]
    clear, old, both = spools = [Spool(engine) for engine in engines]
    refused = Refused("op", "n-9", "json", b"no JSON")
    try:
        assert reseal_all(both, "99999") == 0  # before there is anything
        numbers = [clear.append("99999", ARRIVAL)[0].spool_no]
        numbers.append(old.append("99999", ARRIVAL._replace(notification_id="n-2"))[0].spool_no)
        with old.writing("99999") as connection:
            keep_refused(connection, "99999", refused)
        done = _rekey(both)
        assert (done.finished, _keys(both)) == (True, {"k2"})
        assert both.bodies("99999", numbers) == dict.fromkeys(numbers, BODY)
        with both.reading("99999") as connection:
            assert refused_body(connection, "99999", 1) == b"no JSON"
        assert _rekey(both, clear=True).finished
        assert (_keys(clear), clear.bodies("99999", numbers)) == (
            {""},
            dict.fromkeys(numbers, BODY),
        )
        for statement in STATEMENTS:
            with (
                pytest.raises(DBAPIError, match="append_only"),
                clear.writing("99999") as connection,
            ):
                connection.execute(text(statement))
        assert old.append("99999", ARRIVAL._replace(notification_id="n-3"))[1]
        assert _rekey(clear, clear=True).left_beside == 1  # without its key it stays as it is
    finally:
        _end(engines, *spools)


STATEMENTS = (
    "UPDATE notification_spool SET body_sha256 = 'x', body = 'y'",
    "UPDATE notification_spool SET key_id = 'x'",
    "UPDATE notification_refusal SET code = 'x', body = 'y'",
    "DELETE FROM notification_refusal",
)


def _rekey(spool, *, clear=False):
    return rekey(
        spool._books, "99999", actor="t", at=datetime(2026, 6, 3, tzinfo=UTC), clear=clear,
        beside=lambda: reseal_all(spool, "99999", clear=clear),
    )  # fmt: skip


def _keys(spool):
    """The keys of all bodies as they lie there; "" is in clear."""
    with spool.reading("99999") as connection:
        return {
            "" if hashlib.sha256(bytes(body)).hexdigest() == sha256 else key_id_of(bytes(body))
            for table in ("notification_spool", "notification_refusal")
            for sha256, body in connection.execute(text(f"SELECT body_sha256, body FROM {table}"))
        }
