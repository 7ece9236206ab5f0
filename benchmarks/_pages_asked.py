"""What ``pages.py`` asks for: where arguments of an address come from, and which pages differ."""

from __future__ import annotations

CODE = "99999"
UNSAID = {"month", "year", "day"}  # of a choice, what its name leaves out
# Where the values of an argument come from; a page with another argument is named as not measured.
VALUES = {
    "case_no": "SELECT case_no FROM review_case WHERE municipality_code = :m",
    "file_id": "SELECT file_id FROM source_file WHERE municipality_code = :m",
    "approval_id": "SELECT approval_id FROM approval WHERE municipality_code = :m",
    "notice_id": "SELECT notice_id FROM notice WHERE municipality_code = :m "
    "AND notice_id % 997 = 1",
    "slip_no": "SELECT slip_no FROM slip WHERE municipality_code = :m AND slip_id % 997 = 1",
    "slip_id": "SELECT slip_id FROM slip WHERE municipality_code = :m AND slip_id % 997 = 1",
    "event_no": "SELECT event_no FROM event WHERE municipality_code = :m",
    "run_id": "SELECT run_id FROM print_run WHERE municipality_code = :m",
    "user_name": "SELECT user_name FROM staff_user WHERE municipality_code = :m",
    "day": "SELECT DISTINCT received_on FROM source_file WHERE municipality_code = :m",
    "debit_no": "SELECT batch_no FROM debit_batch WHERE municipality_code = :m",
    "list_no": "SELECT list_no FROM dunning_list WHERE municipality_code = :m",
    "plan_no": "SELECT plan_no FROM payment_plan WHERE municipality_code = :m",
    "refund_no": "SELECT refund_no FROM refund WHERE municipality_code = :m",
    "batch_no": "SELECT batch_no FROM refund_batch WHERE municipality_code = :m",
    "account_no": "SELECT account_no FROM payee_account WHERE municipality_code = :m",
    "subject": "SELECT subject FROM overpayment WHERE municipality_code = :m",
    "file_line": "SELECT file_id, line_no FROM line_outcome WHERE municipality_code = :m "
    "AND line_no % 997 = 3",
}  # fmt: skip
FIXED = {
    "month": "2026-06", "year": 2026, "term": "01", "calculator": "late-charge", "job": "verify",
    "kind": "day_close", "item_code": "901", "form": "csv", "finding_no": 1,
    "step": "collected", "code": CODE,
}  # fmt: skip
# Pages that are another page for each value of an argument, or for what stands behind the "?".
CHOICES = {
    "reports.show": [{"report": name} for name in ("suspense", "overpaid", "credits")],
    "reports.show_year": [{"report": name} for name in ("year", "fees", "figures")],
    "reports.download": [{"report": name} for name in ("suspense", "overpaid", "credits")],
    "reports.download_year": [{"report": name} for name in ("year", "fees", "figures")],
    "reports.rows": [
        {"listing": "suspense"}, {"listing": "suspense", "kind": "duplicate"},
        {"listing": "suspense", "kind": "overpaid", "item": "901"}, {"listing": "surplus"},
        {"listing": "credits"}, {"listing": "groups", "agent": "eltax"},
        {"listing": "groups", "agent": "eltax", "unpaid": "1"},
        {"listing": "open", "year": "2026", "item": "901"},
        {"listing": "open", "year": "2026", "item": "999"},
        {"listing": "open", "year": "2026", "carried": "1", "item": "901"},
        {"listing": "carried", "year": "2026", "item": "901"},
        {"listing": "cases", "month": "2026-06"},
        {"listing": "cases", "month": "2026-06", "what": "closed"},
        {"listing": "postings", "what": "collected", "day": "2026-06-02"},
        {"listing": "postings", "what": "collected", "day": "2026-06-02", "item": "901"},
        {"listing": "postings", "what": "collected", "day": "2026-06-02", "channel": "debit"},
        {"listing": "postings", "what": "assessed", "day": "2026-06-02"},
    ],
    "reports.rows_file": [
        {"listing": "suspense"}, {"listing": "cases", "month": "2026-06"}, {"listing": "credits"},
    ],
    "reports.ledger": [
        {"what": "collected"}, {"what": "assessed"}, {"what": "collected", "item": "901"},
    ],
    "files.lines": [
        {"outcome": name} for name in ("", "matched", "malformed", "unknown_slip", "settled")
    ],
    "days.lines": [
        {}, *({"outcome": name} for name in ("matched", "confirms", "malformed", "unknown_slip")),
        {"outcome": "matched", "channel": "konbini"}, {"outcome": "settled", "channel": "bank"},
    ],
    "files.show_bytes": [{"at": "0"}, {"at": "40000000"}],
    "cases.worklist": [
        {}, {"sort": "amount_yen"}, {"sort": "subject"}, {"state": "resolved"},
        {"channel": "konbini"}, {"due": "overdue"},
    ],
    # The day on which most is due, and what the staff have made a batch for (debits.show).
    "debits.show_day": [{"day": "2026-06-30"}],
    "refunds.listing": [{}, {"state": "new"}, {"age": "0"}],
    "charges.listing": [
        {"part": name} for name in ("charges", "plans", "write_offs", "prescribing")
    ],
    "holding.listing": [{}, {"all": "1"}],
    "today.postings": [
        {"step": step, "channel": channel} for step in ("received", "collected", "confirmed")
        for channel in ("*", "debit")
    ],
    "people.show": [
        {"part": part} for part in ("instalments", "slips", "receipts", "cases", "timeline")
    ],
}  # fmt: skip
