from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import ConfigurationError
from payments.store.sealed_bytes import (
    NO_KEYS,
    OVERHEAD_BYTES,
    Key,
    KeyRing,
    key_id_of,
    key_ring_from,
    new_key_text,
)

OLD, NEW = Key("k1", bytes(range(32))), Key("k-2026.b", bytes(range(1, 33)))


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_is_sealed_opens_in_its_place(plain, context):
    sealed = KeyRing([OLD, NEW]).seal(plain, context)
    assert KeyRing([NEW]).open(sealed, context) == plain
    assert len(sealed) == len(plain) + OVERHEAD_BYTES + len("k-2026.b")
    assert key_id_of(sealed) == "k-2026.b"


def test_every_key_reads_and_the_newest_writes():
    before = KeyRing([OLD]).seal(b"paid")
    ring = KeyRing([OLD, NEW])
    assert ring.newest == "k-2026.b"
    assert (ring.open(before), ring.open(ring.seal(b"paid"))) == (b"paid", b"paid")


@given(st.binary(max_size=40), st.data())
def test_a_changed_bit_never_opens(plain, data):
    sealed = bytearray(KeyRing([OLD]).seal(plain, b"here"))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(ConfigurationError):
        KeyRing([OLD]).open(bytes(sealed), b"here")


@pytest.mark.parametrize(
    ("ring", "context", "code"),
    [
        (KeyRing([NEW]), b"here", "encryption_key_missing"),
        (NO_KEYS, b"here", "encryption_key_missing"),
        (KeyRing([Key("k1", bytes(32))]), b"here", "encryption_key_wrong"),
        (KeyRing([OLD]), b"there", "encryption_key_wrong"),
    ],
)
def test_without_the_key_or_elsewhere_it_stays_shut(ring, context, code):
    with pytest.raises(ConfigurationError) as refused:
        ring.open(KeyRing([OLD]).seal(b"paid", b"here"), context)
    assert (refused.value.error_code, refused.value.details) == (code, {"found": "k1"})


@pytest.mark.parametrize(
    "sealed", [b"", b"\x01", b"\x01\x02k1", b"plain text of a file, longer than it"]
)
def test_what_was_never_sealed_names_no_key(sealed):
    assert key_id_of(sealed) in {"", "k1"}
    with pytest.raises(ConfigurationError):
        KeyRing([OLD]).open(sealed)


def test_a_ring_goes_to_a_worker_process():
    ring = KeyRing([OLD, NEW])
    copied = pickle.loads(pickle.dumps(ring))  # noqa: S301  # our own bytes
    assert copied.open(ring.seal(b"paid")) == b"paid"


def test_an_empty_ring_seals_nothing():
    assert not NO_KEYS
    with pytest.raises(ConfigurationError) as refused:
        NO_KEYS.seal(b"paid")
    assert refused.value.error_code == "encryption_key_none"


def test_a_ring_is_read_from_text():
    first, second = new_key_text("k1"), new_key_text("k2")
    for text in (f"{first},{second}", f"# of 2026\n{first} # old\n\n {second}\n"):
        ring = key_ring_from(text)
        assert (ring.newest, "k1" in ring, "k3" in ring) == ("k2", True, False)
    assert not key_ring_from(" \n# nothing\n")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("k1", "encryption_key_form"),
        ("k1:AAAA", "encryption_key_form"),
        ("k1:no base64!", "encryption_key_form"),
        ("氏名:" + "A" * 43 + "=", "encryption_key_form"),
        ("AAAA" + "A" * 39 + "=", "encryption_key_form"),  # its name was forgotten
        ("AAAA" + "A" * 39 + "=:k1", "encryption_key_form"),  # the wrong way round
        (f"k1:{'A' * 43}= k1:{'B' * 42}A=", "encryption_key_twice"),
    ],
)
def test_a_bad_ring_is_refused_without_telling_its_secret(text, code):
    with pytest.raises(ConfigurationError) as refused:
        key_ring_from(text)
    assert refused.value.error_code == code
    assert "AAAA" not in str(refused.value)
    assert "AAAA" not in str(refused.value.details)


def test_a_key_hides_its_secret_and_needs_a_proper_name():
    assert repr(OLD) == "Key('k1')"
    with pytest.raises(ConfigurationError):
        new_key_text("no spaces")
