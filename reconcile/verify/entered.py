"""検算・封印の対象: the rows that entries stand for, as the checking side reads them.

Kind of entry → its table, the columns of its key, and all that is sealed of it in the order of the
seals; written down apart from what makes the seals.
"""

from __future__ import annotations

ENTERED: dict[str, tuple[str, str, str]] = {
    "file": ("source_file", "file_id", "file_id, sha256, size_bytes, taken_in_at"),
    "case_event": (
        "case_event",
        "case_no, event_no",
        "case_no, event_no, CAST(happened_on AS VARCHAR(10)) AS day, actor, event, note",
    ),
    "slip_event": (
        "slip_event",
        "slip_id, event_no",
        "slip_id, event_no, kind, happened_at, actor, reason, other_slip_id",
    ),
    "approval_asked": (
        "approval",
        "approval_id",
        "approval_id, kind, subject, content_json, content_sha256, reason, asked_by, asked_at",
    ),
    "approval_decided": (
        "approval",
        "approval_id",
        "approval_id, decision, decided_by, decided_at, note, content_sha256",
    ),
    "day_closure": (
        "day_closure",
        "closure_no",
        """closure_no, period, event, CAST(ends_on AS VARCHAR(10)) AS last_day,
        CAST(closed_until AS VARCHAR(10)) AS closed_to, closed_year, journal_id, report_sha256,
        approval_id, asked_by, decided_by, reason, made_at""",
    ),
    "placement": (
        "placement",
        "placement_no",
        "placement_no, approval_id, file_id, line_no, journal_id, made_at",
    ),
    "placement_part": (
        "placement_part",
        "placement_no, part_no",
        "placement_no, part_no, notice_id, term, amount_yen",
    ),
    "link_block": (
        "link_block",
        "block_no",
        "block_no, file_id, line_no, notice_id, term, group_id, approval_id, made_at",
    ),
    "payer_alias": (
        "payer_alias",
        "alias_no",
        """alias_no, event, payer_folded, obligor_no, approval_id,
        CAST(happened_on AS VARCHAR(10)) AS day, CAST(expires_on AS VARCHAR(10)) AS last_day,
        actor, reason""",
    ),
    "carry_run": (
        "carry_run",
        "carry_no",
        """carry_no, event, from_year, to_year, reverses_no, count, amount_yen, rows_sha256,
        CAST(booked_on AS VARCHAR(10)) AS day, journal_id, closure_no, actor, made_at""",
    ),
    "hold_event": (
        "hold_event",
        "hold_no, event_no",
        """hold_no, event_no, event, notice_id, term, kind,
        CAST(from_on AS VARCHAR(10)) AS first_day, CAST(until_on AS VARCHAR(10)) AS last_day,
        reason, actor, made_at""",
    ),
    "payee_account_event": (
        "payee_account_event",
        "account_no, event_no",
        "account_no, event_no, event, actor, note, made_at",
    ),
    "overpayment": (
        "overpayment",
        "overpayment_no",
        """overpayment_no, subject, file_id, line_no, notice_id, term, obligor_no, reason,
        CAST(paid_on AS VARCHAR(10)) AS paid, CAST(arose_on AS VARCHAR(10)) AS arose,
        CAST(event_on AS VARCHAR(10)) AS event_day, CAST(corrected_on AS VARCHAR(10)) AS corrected,
        CAST(interest_from_on AS VARCHAR(10)) AS first_day, note, actor, made_at""",
    ),
    "refund": (
        "refund",
        "refund_no",
        """refund_no, approval_id, overpayment_no, file_id, line_no, notice_id, term, obligor_no,
        amount_yen, interest_yen, CAST(interest_from_on AS VARCHAR(10)) AS first_day,
        CAST(decided_on AS VARCHAR(10)) AS last_day, CAST(out_from_on AS VARCHAR(10)) AS first_out,
        CAST(out_until AS VARCHAR(10)) AS last_out, account_no, journal_id, asked_by, decided_by,
        made_at""",
    ),
    "refund_event": (
        "refund_event",
        "refund_no, event_no",
        """refund_no, event_no, event, CAST(happened_on AS VARCHAR(10)) AS day, batch_no,
        account_no, file_id, line_no, journal_id, actor, note, made_at""",
    ),
    "refund_batch": (
        "refund_batch",
        "batch_no",
        """batch_no, CAST(transfer_on AS VARCHAR(10)) AS day, account_key, build_no, order_json,
        count, amount_yen, interest_yen, file_sha256, difference_json, reason, built_by,
        made_at""",
    ),
    "refund_batch_line": (
        "refund_batch_line",
        "batch_no, line_no",
        "batch_no, line_no, refund_no, attempt, account_no, amount_yen, interest_yen, text_no",
    ),
    "refund_batch_event": (
        "refund_batch_event",
        "batch_no, event_no",
        "batch_no, event_no, event, approval_id, file_id, line_no, actor, note, made_at",
    ),
    "debit_account": (
        "debit_account",
        "entry_no",
        """entry_no, obligor_no, item_code, event, CAST(from_on AS VARCHAR(10)) AS first_day,
        bank_code, branch_code, account_type, text_no, file_id, reason, actor, made_at""",
    ),
    "debit_batch": (
        "debit_batch",
        "batch_no",
        """batch_no, CAST(debit_on AS VARCHAR(10)) AS day, bank_code, round, first_batch_no,
        replaces_no, CAST(due_from_on AS VARCHAR(10)) AS first_day, head_json, left_json, count,
        amount_yen, file_sha256, size_bytes, built_at, actor, approval_id, reason""",
    ),
    "debit_event": (
        "debit_event",
        "batch_no, event_no",
        """batch_no, event_no, event, made_at, actor, reason, approval_id, file_sha256, count,
        amount_yen""",
    ),
    "dunning_list": (
        "dunning_list",
        "list_no",
        """list_no, CAST(as_of_on AS VARCHAR(10)) AS day, CAST(cut_off_on AS VARCHAR(10)) AS until,
        terms_json, journal_id, file_id, row_count, listed_count, listed_yen, rows_sha256,
        files_sha256, despite_id, actor, made_at""",
    ),
    "dunning_event": (
        "dunning_event",
        "list_no, event_no",
        """list_no, event_no, event, CAST(happened_on AS VARCHAR(10)) AS day, made_at, actor,
        journal_id, letters, subject_no, rows_sha256, reason""",
    ),
    "dunning_recheck": (
        "dunning_recheck",
        "recheck_no",
        """recheck_no, obligor_no, CAST(asked_on AS VARCHAR(10)) AS day,
        CAST(cut_off_on AS VARCHAR(10)) AS until, journal_id, result, found_json, actor,
        made_at""",
    ),
    "charge_waiver": (
        "charge_waiver",
        "waiver_no",
        """waiver_no, event, withdraws_no, notice_id, term, kind, amount_yen, CAST(from_on AS
        VARCHAR(10)) AS from_on_day, CAST(until_on AS VARCHAR(10)) AS until_on_day,
        approval_id, made_at""",
    ),
    "payment_plan": (
        "payment_plan",
        "plan_no",
        """plan_no, obligor_no, CAST(agreed_on AS VARCHAR(10)) AS agreed_on_day, amount_yen,
        approval_id, actor, reason, made_at""",
    ),
    "payment_plan_part": (
        "payment_plan_part",
        "plan_no, part_no",
        """plan_no, part_no, CAST(due_on AS VARCHAR(10)) AS due_on_day, notice_id, term,
        amount_yen, slip_id""",
    ),
    "payment_plan_event": (
        "payment_plan_event",
        "plan_no, event_no",
        """plan_no, event_no, event, CAST(happened_on AS VARCHAR(10)) AS happened_on_day,
        reason, actor, made_at""",
    ),
    "write_off": (
        "write_off",
        "write_off_no",
        """write_off_no, event, reverses_no, notice_id, term, amount_yen, ground,
        CAST(extinguished_on AS VARCHAR(10)) AS extinguished_on_day, approval_id,
        journal_id, leg, made_at""",
    ),
    "limitation_event": (
        "limitation_event",
        "event_no",
        """event_no, notice_id, term, kind, cause, CAST(from_on AS VARCHAR(10)) AS from_on_day,
        CAST(until_on AS VARCHAR(10)) AS until_on_day, reason, actor, made_at""",
    ),
}
