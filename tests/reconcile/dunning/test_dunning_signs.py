"""Signs of money that no receipt shows: a debit of which nothing is known yet, a transfer by name."""

from __future__ import annotations

import pytest
from dunning_town import DunningTown
from years_town import claim


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


def test_a_transfer_under_the_name_of_a_person_waits_for_people_to_look(town):
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
    assert set(town.grounds(town.draw()).values()) == {"transfer_waiting"}
