"""文言: every sentence a person reads, found by its stable code, in the reader's language.

An unknown code never breaks a page or a command: it gets a safe general sentence. A test makes
sure that every code in the source has its own.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, NamedTuple

from web.language import translate, translated
from web.texts.api import BODY_ERRORS, EXPECTED, TITLES
from web.texts.errors import ERRORS
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS
from web.texts.jobs import JOB_NOTES
from web.texts.labels import LABELS
from web.texts.outcomes import CASE_LABELS, CASE_NEXT, OUTCOMES
from web.texts.symbols import FIELDS, LAYOUTS, REASONS, SYMBOL_FINDINGS, SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN_ERROR = "処理できませんでした。コードを添えて担当者にお知らせください。"
UNKNOWN_FINDING = "定められた形ではありません。"
UNKNOWN_OUTCOME = "この結果の説明はまだありません。コードを添えて担当者にお知らせください。"
UNKNOWN_NEXT = "内容を確かめ、担当者と対応を決めてください。"


class Outcome(NamedTuple):
    """照合結果の文言."""

    label: str
    sentence: str


class Case(NamedTuple):
    """確認事項の文言: its name and what to do next."""

    label: str
    next: str


class _Lenient(string.Formatter):
    """A sentence whose values are missing is still a sentence."""

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, object]) -> object:
        """The value as text, or nothing."""
        return kwargs.get(str(key), "—")

    def format_field(self, value: Any, format_spec: str) -> Any:
        """Yen in threes (``{found:,}``); a text where a number was expected stays a text."""
        return super().format_field(value, format_spec if isinstance(value, int) else "")


_FORMATTER = _Lenient()


# Errors whose details are codes with a word of their own, and where it is found.
_WORDS: dict[str, dict[str, str]] = {
    "approval_decided": {"state": "approval_state"},
    "approval_role": {"kind": "approval_kind", "roles": "role"},
    "case_state": {"state": "case_state"},
    "debit_state": {"state": "debit_state"},
    "not_a_day": {"field": "calc_field"},
    "not_one_of": {"field": "calc_field"},
    "not_whole": {"field": "calc_field"},
    "print_run_state": {"state": "print_run_state"},
    "rate_unknown": {"field": "calc_field"},
    "role_needed": {"roles": "role"},
    "batch_state": {"state": "batch_state"},
    "payee_account": {"field": "payee_field"},
    "refund_event": {"field": "calc_field"},
    "refund_state": {"state": "refund_state"},
    "settings": {"expected": "setting_expected"},
    "slip_state": {"state": "slip_state"},
    "webhook_url": {"reason": "delivery_reason"},
}


def _filled(sentence: str, values: Mapping[str, object]) -> str:
    return _FORMATTER.vformat(translated(sentence), (), values)


def error(code: str, details: Mapping[str, object] | None = None) -> str:
    """エラー: one sentence, with the error's own values in it."""
    values = dict(details or {})
    for name, group in _WORDS.get(code, {}).items():
        values[name] = words(group, values.get(name))
    return _filled(ERRORS.get(code, UNKNOWN_ERROR), values)


def problem_title(status: int) -> str:
    """問題の種類 (RFC 9457): the same words for every problem of this status."""
    return translated(TITLES.get(status, TITLES[500]))


def body_error(code: str, expected: str) -> str:
    """本文の誤り: one sentence about one member of a notification."""
    return _filled(BODY_ERRORS.get(code, UNKNOWN_FINDING), {"expected": expected})


def body_expected(name: str, values: Mapping[str, object]) -> str:
    """What a member of a notification should have been."""
    return _filled(EXPECTED[name], values)


def words(group: str, value: object) -> str:
    """名称の並び: the word for a value, or those for several: 会計・管理者."""
    several = value if isinstance(value, tuple) else (value,)
    return translated("・").join(label(group, str(one or "")) for one in several)


def finding(code: str) -> str:
    """指摘: what is wrong at the place a finding names."""
    return translated(FINDINGS.get(code) or FAULTS.get(code, UNKNOWN_FINDING))


def symbol(code: str) -> str:
    """記号の名称."""
    return translated(SYMBOLS.get(code, code))


def symbol_field(code: str) -> str:
    """記号の項目の名称."""
    return translated(FIELDS.get(code, code))


def symbol_finding(values: Mapping[str, object]) -> str:
    """記号の指摘: what is wrong with a symbol that was read, with the finding's own values."""
    code = str(values.get("code", ""))
    field = str(values.get("field", ""))
    values = {**values, "field": translated(FIELDS.get(field, field))}
    layout, reason = next(
        ((name, code.removeprefix(f"{name}_")) for name in LAYOUTS if code.startswith(f"{name}_")),
        ("", ""),
    )
    if reason in REASONS:
        return f"{translated(LAYOUTS[layout])}: {_filled(REASONS[reason], values)}"
    return _filled(SYMBOL_FINDINGS.get(code, UNKNOWN_FINDING), values)


def fault(code: str) -> str:
    """形式不正の理由 of a single line."""
    return translated(FAULTS.get(code) or FINDINGS.get(code, UNKNOWN_FINDING))


def outcome(code: str) -> Outcome:
    """照合結果: label and explanation."""
    label_ja, sentence = OUTCOMES.get(code, (code, UNKNOWN_OUTCOME))
    return Outcome(translated(label_ja), translated(sentence))


def case(kind: str) -> Case:
    """確認事項: label and what a person does next."""
    name = CASE_LABELS.get(kind)
    return Case(
        translated(name) if name else outcome(kind).label,
        translated(CASE_NEXT.get(kind, UNKNOWN_NEXT)),
    )


def job_note(code: str) -> str:
    """定時処理の注記: why a run did not end well: of a job, of an error, or a 検算 that differs."""
    if code in ERRORS and code not in JOB_NOTES:
        return error(code)
    return translated(JOB_NOTES.get(code) or LABELS["invariant"].get(code, UNKNOWN_ERROR))


def label(group: str, value: str | None) -> str:
    """名称: the word for a value of a closed list; the value itself when it has none."""
    said = LABELS[group].get(value or "")
    return translated(said) if said else value or "—"


def labels(values: Iterable[str], group: str) -> str:
    """名称の並び, as a filter of templates."""
    return words(group, tuple(values))


def written(group: str, value: str) -> str:
    """名称 as it is stored: Japanese, whoever reads."""
    return LABELS[group][value]


def slip_field(code: str) -> str:
    """納付書の項目: where paper and books differ, as ``el_qr.amount_yen``: eL-QR（金額）."""
    field, _, part = code.partition(".")
    part = translated(LABELS["slip_field_part"].get(part) or FIELDS.get(part, part))
    return label("slip_field", field) + (translate("（{part}）", part=part) if part else "")


def blocker(code: str) -> str:
    """締めを止めるもの: a check that differs, or a source whose file has not come."""
    if code in LABELS["check"]:
        return f"{label('check_no', code)} {label('check', code)}"
    return translate("未着 {source}", source=label("agent", code))
