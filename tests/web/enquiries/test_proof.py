"""The task that the page solves, and the code that is printed on slips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.enquiries import proof
from web.enquiries.slip_code import ALPHABET, Named, code_of, slip_of, typed_code

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_780_000_000


@pytest.fixture
def easy(monkeypatch):
    monkeypatch.setattr(proof, "BITS", 6)
    monkeypatch.setattr(proof, "GUARDED_BITS", 9)


@pytest.mark.usefixtures("easy")
def test_a_solved_task_is_a_proof_while_it_lasts():
    given_task = proof.task(KEY, NOW, guarded=False)
    solution = proof.solve(given_task)
    found = proof.check(KEY, given_task, solution, NOW + 5, guarded=False)
    assert found == proof.Proof(given_task.split(".")[1], NOW)
    late = NOW + proof.LASTS_SECONDS + 1
    assert proof.check(KEY, given_task, solution, late, guarded=False) is None
    assert proof.check(KEY, given_task, solution, NOW - 5, guarded=False) is None
    assert proof.check(OTHER, given_task, solution, NOW, guarded=False) is None
    assert proof.check(KEY, given_task, solution, NOW, guarded=True) is None  # too easy now


@pytest.mark.usefixtures("easy")
def test_tasks_are_set_here_only():
    given_task = proof.task(KEY, NOW, guarded=False)
    moment, name, _bits, seal = given_task.split(".")
    easier = f"{moment}.{name}.1.{seal}"
    assert proof.check(KEY, easier, proof.solve(easier), NOW, guarded=False) is None
    for wrong in ("", "abc", "１", "9" * 13, "-1"):
        assert proof.check(KEY, given_task, wrong, NOW, guarded=False) is None
    assert proof.check(KEY, "", "1", NOW, guarded=False) is None
    unsolved = next(str(n) for n in range(99) if not proof.is_solved(given_task, str(n), 6))
    assert proof.check(KEY, given_task, unsolved, NOW, guarded=False) is None


def test_a_guarded_site_sets_harder_tasks():
    bits = [proof.bits_of(proof.task(KEY, NOW, guarded=each)) for each in (False, True)]
    assert bits == [proof.BITS, proof.GUARDED_BITS]
    assert bits[1] >= bits[0] + 4


@given(st.integers(0, 99_999), st.integers(0, 2**38 - 1))
def test_a_code_names_its_slip_and_no_other_key_makes_it(body, slip_id):
    code = code_of(KEY, f"{body:05d}", slip_id)
    assert [len(group) for group in code.split("-")] == [4] * 5
    assert slip_of(KEY, typed_code(code)) == Named(f"{body:05d}", slip_id)
    assert slip_of(OTHER, typed_code(code)) is None


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: code.translate({ord("-"): "　"}),
        lambda code: "".join(chr(ord(c) + 0xFEE0) if c != "-" else c for c in code),
    ],
)
def test_what_is_misread_or_typed_wide_is_taken(change):
    code = code_of(KEY, "99999", 101_010)
    assert slip_of(KEY, typed_code(change(code))) == Named("99999", 101_010)


def test_one_wrong_sign_is_no_code():
    code = typed_code(code_of(KEY, "99999", 7))
    for place in range(len(code)):
        for each in ALPHABET:
            if each != code[place]:
                wrong = code[:place] + each + code[place + 1 :]
                assert slip_of(KEY, wrong) is None


@pytest.mark.parametrize("text", ["", "ABC", "U" * 20, "あ" * 20, "0" * 21])
def test_what_is_no_code(text):
    assert typed_code(text) == ""


def test_a_number_beyond_a_code_is_refused():
    with pytest.raises(ValueError, match="274877906944"):
        code_of(KEY, "99999", 2**38)
