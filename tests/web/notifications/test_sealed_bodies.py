from __future__ import annotations

import hashlib

import pytest

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import Key, KeyRing
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival

BODY = b'{"amount_yen": 12300}'
ARRIVAL = Arrival("op", "n-1", BODY, hashlib.sha256(BODY).hexdigest())


def test_a_body_waits_sealed_and_comes_out_as_it_came(books):
    url = books.engine.url.render_as_string(hide_password=False)
    engines = [
        open_engine(url, keys=KeyRing([Key("k1", bytes(range(32)))])),
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
        for spool, engine in zip((sealed, clear), engines, strict=True):
            spool.close()
            engine.dispose()
