"""設定の欄: which values of a profile a page can change, section by section (data).

A section is the body's own values, a section of the profile (還付), or a list of entries; a list
within a section is named by both (``debit.banks``). Labels and hints: :mod:`web.texts.admin`.
"""

from __future__ import annotations

from typing import NamedTuple

from payments.domain.charging import BOOKED, FEE_SLIPS, TRIGGERS
from payments.domain.debiting import LINE_ENDS
from payments.domain.enquiring import NEEDS
from payments.domain.late_charge_levies import shipped_levies
from payments.domain.retaining import SHORTEST, YEARS_MAX

BODY = "body"
NUMBER_MAX = 1_000_000
_MISSES_MAX = 10**9
_LIMIT_YEN_MAX = 10**12


class Field(NamedTuple):
    """欄: one value of a section."""

    name: str
    # text, number, share, yes, choice, lines, prices (a line "code=yen" each), day or clock
    kind: str = "text"
    choices: tuple[str, ...] = ()
    fixed: bool = False  # it names the entry, so only a new entry may choose it
    needed: bool = True
    most: int = NUMBER_MAX  # of a number
    of: str = ""  # its choices are what the profile has of these: "items" or "accounts"


SECTIONS: dict[str, tuple[Field, ...]] = {
    BODY: (
        Field("name"),
        Field("contact", needed=False),
        Field("collecting_body_code"),
        Field("konbini_company_code"),
        Field("konbini_client_code"),
        Field("debit_consignor_code"),
        Field("debit_prefix"),
        Field("case_key_prefix"),
        Field("valid_until"),
        Field("konbini_valid_until", needed=False),
        Field("late_valid_until"),
        Field("confirmation_days", "number"),
        Field("settlement_days", "number"),
        Field("alias_days", "number"),
        Field("cases_per_run_max", "number"),
        Field("cases_share_max", "share"),
        Field("refund_return_patterns", "lines", needed=False),
        Field("upload_registered_slips", "yes", needed=False),
        Field("certificate_provisional", "yes", needed=False),
    ),
    "items": (
        Field("item_code", fixed=True),
        Field("name"),
        Field("law", "choice", ("tax", "public")),
        Field("fund"),
        Field("el_qr", "yes", needed=False),
        Field("konbini", "yes", needed=False),
        Field("valid_until", needed=False),
        Field("konbini_valid_until", needed=False),
        Field("layout"),
    ),
    "agents": (
        Field("code", fixed=True),
        Field("payer_code"),
        Field("payer_name"),
        Field("fee", "choice", ("gross", "advised", "agreed")),
        Field("fee_each_yen", "number", needed=False),
        Field("company_code", needed=False),
        Field("client_code", needed=False),
    ),
    "accounts": (
        Field("bank_code", fixed=True),
        Field("bank_name"),
        Field("branch_code", fixed=True),
        Field("branch_name"),
        Field("account_type", fixed=True),
        Field("account_no", fixed=True),
        Field("money_kind", "choice", ("03", "01")),
    ),
    "debit": (
        Field("consignor_name", needed=False),
        Field("lead_days", "number"),
        Field("cut_off", "clock"),
        Field("result_days", "number"),
        Field("ahead_days_max", "number"),
        Field("second_codes", "lines", needed=False),
    ),
    "debit.banks": (
        Field("bank_code", fixed=True),
        Field("bank_name"),
        Field("branch_code"),
        Field("branch_name"),
        Field("account_type"),
        Field("account_no"),
        Field("consignor_code", needed=False),
        Field("line_ends", "choice", LINE_ENDS),
    ),
    "refunds": (
        Field("newest_first", "yes", needed=False),
        Field("short_items", "lines", needed=False),
        Field("warn_days", "number"),
        Field("match_days", "number"),
        Field("account", "choice", needed=False, of="accounts"),
        Field("orderer_code", needed=False),
        Field("orderer_name", needed=False),
    ),
    "charges": (
        Field("booked", "choice", BOOKED),
        Field("due_days", "number"),
        Field("plans_by_two", "yes", needed=False),
        Field("plan_grace_days", "number"),
        Field("fee_slip", "choice", FEE_SLIPS),
    ),
    "charges.levies": (
        Field("item_code", "choice", fixed=True, of="items"),
        Field("levy", "choice", tuple(shipped_levies().names)),
        Field("charge_item", "choice", needed=False, of="items"),
        Field("fee_item", "choice", needed=False, of="items"),
        Field("prescription_years", "number"),
    ),
    "charges.fees": (
        Field("item_code", "choice", fixed=True, of="items"),
        Field("from_on", "day", fixed=True),
        Field("trigger", "choice", TRIGGERS, fixed=True),
        Field("fee_yen", "number"),
    ),
    "dunning": (
        Field("wait_days", "number"),
        Field("minimum_yen", "number"),
        Field("limitation_days", "number"),
    ),
    "characters": (
        Field("fallback", "yes", needed=False),
        Field("decided", "lines", needed=False),
    ),
    "enquiries": (
        Field("address", needed=False),
        Field("slips_max", "number"),
        Field("misses_guarded", "number", most=_MISSES_MAX),
        Field("misses_strict", "number", most=_MISSES_MAX),
    ),
    "enquiries.ways": (
        Field("code", fixed=True),
        Field("needs", "choice", NEEDS),
        Field("limit_yen", "number", needed=False, most=_LIMIT_YEN_MAX),
        Field("name", needed=False),
        Field("fee", needed=False),
        Field("note", needed=False),
    ),
    "costs": (
        Field("each_yen", "prices", needed=False),
        Field("sheets", "prices", needed=False),
        Field("sheet_yen", "number"),
    ),
    "open_data": (
        Field("published", "yes", needed=False),
        Field("licence", needed=False),
        Field("licence_url", needed=False),
        Field("contact", needed=False),
    ),
    "retention": (
        Field("record", "choice", tuple(SHORTEST), fixed=True),
        Field("from_on", "day", fixed=True),
        Field("years", "number", most=YEARS_MAX),
        Field("ground"),
    ),
}

USUAL: dict[str, dict[str, object]] = {
    "items": {
        "law": "tax", "fund": "一般会計", "layout": "standard", "el_qr": True, "konbini": True,
    },
    "agents": {"fee": "gross"},
    "accounts": {"money_kind": "03"},
    "debit.banks": {"line_ends": "crlf"},
    "charges.levies": {"levy": "tax", "prescription_years": 5},
    "charges.fees": {"trigger": "letter"},
    "enquiries.ways": {"needs": "paper", "limit_yen": 0},
    "retention": {"record": "account_view", "years": 5},
}  # fmt: skip
"""いつもの値: what the form of a new entry begins with."""
