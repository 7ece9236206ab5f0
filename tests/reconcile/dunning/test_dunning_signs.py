"""Signs of money that no receipt shows: a debit of which nothing is known yet, a transfer by name."""

from __future__ import annotations

import pytest
from dunning_town import DunningTown, M
from years_town import claim

from payments.store.unit_of_work import reading
from reconcile.dunning.grounds import payers_waiting


@pytest.fixture
def town(database_url):
    made = DunningTown(database_url)
    made.assess(claim(1, 2026, 10_000), claim(2, 2026, 10_000), on="2026-04-10")
    yield made
    made.close()


def test_a_released_debit_without_its_result_holds_the_letter_back(town):
    town.run(
        "INSERT INTO debit_account (municipality_code, entry_no, obligor_no, item_code, event, "
        "from_on, bank_code, bank_name, branch_code, branch_name, account_type, text_no, reason, "
        "actor, made_at) VALUES (:m, 1, '1', '901', 'set', '2026-04-01', '0001', '', '001', '', "
        "'1', 1, '', 'abe', '2026-04-01 00:00:00+00:00')"
    )
    town.run(
        "INSERT INTO debit_batch (municipality_code, batch_no, debit_on, bank_code, round, "
        "due_from_on, head_json, left_json, count, amount_yen, file_sha256, size_bytes, built_at, "
        "actor, reason, in_force) VALUES (:m, 1, '2026-06-30', '0001', 1, '2026-06-30', '{}', "
        "'{}', 1, 10000, 'x', 1, '2026-06-20 00:00:00+00:00', 'abe', '', TRUE)"
    )
    town.run(
        "INSERT INTO debit_row (municipality_code, batch_no, row_no, notice_id, term, amount_yen, "
        "customer_no, entry_no, new_code) SELECT municipality_code, 1, 1, notice_id, '01', 10000, 'D1', 1, '0' "
        "FROM notice WHERE municipality_code = :m AND notice_no = '0000000001'"
    )
    built = town.draw()
    assert set(town.grounds(built).values()) == {""}
    town.run(
        "INSERT INTO debit_event (municipality_code, batch_no, event_no, event, made_at, actor, "
        "reason, approval_id, file_sha256) VALUES (:m, 1, 1, 'released', "
        "'2026-06-21 00:00:00+00:00', 'ito', '', 1, 'x')"
    )
    assert town.grounds(town.draw())[1, "01"] == "debit_out"


def _unplaced_transfer(town):
    """A credit under the name of ミホン タロウ, which nobody has placed."""
    town.run(
        "INSERT INTO source_line (municipality_code, file_id, line_no, byte_offset, byte_length, "
        "stage, kind, identity, record_key, content, key_kind, reissue, is_ours, key_valid, "
        "operator) SELECT municipality_code, file_id, 9, 0, 1, '', '', 'x', 'x', content, '', '', "
        "TRUE, TRUE, '' FROM assessment_event WHERE municipality_code = :m AND line_no = 2"
    )
    town.run(
        "INSERT INTO bank_line (municipality_code, file_id, line_no, account_key, source, "
        "direction, inquiry_no, booked_on, payer_code, payer_name, remarks, edi) "
        "SELECT municipality_code, file_id, 9, 'x', '03', 'credit', '', '2026-07-01', '', "
        "'ﾐﾎﾝ ﾀﾛｳ', '', '' FROM source_line WHERE municipality_code = :m AND line_no = 9"
    )
    town.run(
        "INSERT INTO deposit (municipality_code, file_id, line_no, account_key, agent, ref, "
        "amount_yen, booked_on, state) SELECT municipality_code, file_id, 9, 'x', '', '', 10000, "
        "'2026-07-01', 'open' FROM source_line WHERE municipality_code = :m AND line_no = 9"
    )


def test_a_transfer_under_the_name_of_a_person_waits_for_people_to_look(town):
    _unplaced_transfer(town)
    assert set(town.grounds(town.draw()).values()) == {"transfer_waiting"}


def test_a_name_that_many_share_is_asked_for_once(town):
    # A large city has more people of one name than a statement takes values.
    _unplaced_transfer(town)
    for number in range(2, 6):
        town.run(
            "INSERT INTO obligor (municipality_code, obligor_no, name, kana, kana_folded, "
            f"postal_code, address) SELECT municipality_code, '99000000000{number}', name, kana, "
            "kana_folded, postal_code, '' FROM obligor WHERE municipality_code = :m "
            "AND obligor_no = '000000000001'"
        )
    with reading(town.engine, M) as connection:
        assert payers_waiting(connection, M) == ["ミホンタロウ"]
    assert set(town.grounds(town.draw()).values()) == {"transfer_waiting"}


def test_a_kept_plan_holds_the_letter_back_until_it_is_broken(town):
    town.run(
        "INSERT INTO payment_plan (municipality_code, plan_no, obligor_no, agreed_on, amount_yen, "
        "actor, reason, made_at) VALUES (:m, 1, '000000000001', '2026-07-01', 10000, 'abe', "
        "'', '2026-07-01 00:00:00+00:00')"
    )
    town.run(
        "INSERT INTO payment_plan_part (municipality_code, plan_no, part_no, due_on, notice_id, "
        "term, amount_yen) SELECT municipality_code, 1, 1, '2026-09-30', notice_id, '01', 10000 "
        "FROM notice WHERE municipality_code = :m AND notice_no = '0000000001'"
    )
    event = (
        "INSERT INTO payment_plan_event (municipality_code, plan_no, event_no, event, "
        "happened_on, actor, reason, made_at) VALUES (:m, 1, :number, :event, :on, 'abe', '', "
        "'2026-07-01 00:00:00+00:00')"
    )
    town.run(event, number=1, event="agreed", on="2026-07-01")
    kept = town.draw()
    assert town.grounds(kept) == {(1, "01"): "plan", (2, "01"): ""}
    evidence = town.rows("SELECT ground, subject FROM dunning_evidence WHERE list_no = :n", n=kept)
    assert [tuple(row) for row in evidence] == [("plan", "plan:1")]
    town.run(event, number=2, event="broken", on="2026-07-19")
    assert town.grounds(town.draw())[1, "01"] == ""
