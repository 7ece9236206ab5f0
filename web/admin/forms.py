"""設定の様式: the settings of a body as the fields of a page, and back (pure).

A page shows one section of the profile, or one entry of a section with several. What it sends is
put into the whole profile, which is then checked as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.errors import InvalidValueError, NotFoundError
from web.admin.differences import code_of

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY = "body"
NUMBER_MAX = 1_000_000


class Field(NamedTuple):
    """欄: one value of a section; its label and hint are in :mod:`web.texts.admin`."""

    name: str
    kind: str = "text"  # text, number, share, yes, choice, lines
    choices: tuple[str, ...] = ()
    fixed: bool = False  # it names the entry, so only a new entry may choose it
    needed: bool = True


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
}


def values_of(profile: Mapping[str, Any], section: str, entry: str) -> dict[str, str]:
    """What the fields show; for a new entry what is usual.

    Raises :class:`NotFoundError` ``parameters_section`` for an entry that there is not.
    """
    fields = _fields(section)
    if section == BODY:
        source: Mapping[str, Any] = profile
    elif entry:
        source = _entry(profile, section, entry)
    else:
        source = {"law": "tax", "fund": "一般会計", "layout": "standard", "el_qr": True,
                  "konbini": True, "fee": "gross", "money_kind": "03"}  # fmt: skip
    return {field.name: _written(source.get(field.name, "")) for field in fields}


def changed(
    profile: Mapping[str, Any], section: str, entry: str, sent: Mapping[str, str]
) -> dict[str, Any]:
    """The whole profile with what was sent; a new entry when ``entry`` is empty.

    Raises :class:`InvalidValueError` ``parameters_value`` with the field and what was found, and
    :class:`NotFoundError` ``parameters_section``.
    """
    values = {field.name: _read(field, sent.get(field.name, "")) for field in _fields(section)}
    if section == BODY:
        return {**profile, **values}
    entries = [dict(each) for each in profile[section]]
    if not entry:
        entries.append(values)
    else:
        known = _entry(profile, section, entry)
        kept = {f.name: known[f.name] for f in _fields(section) if f.fixed}
        entries = [
            {**each, **values, **kept} if code_of(section, each) == entry else each
            for each in entries
        ]
    return {**profile, section: entries}


def without(profile: Mapping[str, Any], section: str, entry: str) -> dict[str, Any]:
    """The whole profile without one entry; :class:`NotFoundError` ``parameters_section``."""
    _fields(section)
    _entry(profile, section, entry)
    kept = [each for each in profile[section] if code_of(section, each) != entry]
    return {**profile, section: kept}


def _fields(section: str) -> tuple[Field, ...]:
    if section not in SECTIONS:
        raise NotFoundError("parameters_section", found=section)
    return SECTIONS[section]


def _entry(profile: Mapping[str, Any], section: str, entry: str) -> Mapping[str, Any]:
    for each in profile.get(section, ()):
        if section in SECTIONS and code_of(section, each) == entry:
            found: Mapping[str, Any] = each
            return found
    raise NotFoundError("parameters_section", found=f"{section} {entry}")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return str(value)


def _read(field: Field, sent: str) -> Any:
    """The value that a field means; raises ``parameters_value``."""
    sent = sent.strip()
    if field.kind == "yes":
        return sent == "yes"
    if field.kind == "lines":
        return [line.strip() for line in sent.splitlines() if line.strip()]
    if field.kind == "number":
        return _number(field, sent or ("" if field.needed else "0"))
    if field.kind == "share":
        return _share(field, sent)
    if field.needed and not sent:
        raise InvalidValueError("parameters_value", field=field.name, found="", expected="…")
    if field.kind == "choice" and sent not in field.choices:
        expected = " / ".join(field.choices)
        raise InvalidValueError("parameters_value", field=field.name, found=sent, expected=expected)
    return sent


def _number(field: Field, sent: str) -> int:
    if not (sent.isascii() and sent.isdigit() and int(sent) <= NUMBER_MAX):
        raise InvalidValueError(
            "parameters_value", field=field.name, found=sent, expected=f"0–{NUMBER_MAX:,}"
        )
    return int(sent)


def _share(field: Field, sent: str) -> float:
    """A share of cases, which is no money."""
    try:
        share = float(sent)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InvalidValueError("parameters_value", field=field.name, found=sent, expected="0–1")
    return share
