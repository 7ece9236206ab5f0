"""団体設定: everything that differs from municipality to municipality, as validated data.

The official code tables (body codes, items, agents, accounts, fees, remittance cycles) are not
public or change by contract, so they come from a TOML profile with a version and an effective
date. What ships with the project is the sample municipality of invented values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from payments.domain.arrivals import ArrivalRule
from payments.domain.characters import graphemes, in_jis
from payments.domain.charging import Charges, FeeRule, LevyCharges, require_charges
from payments.domain.debiting import DebitBank, Debiting, require_debiting
from payments.domain.dunning import Dunning, require_dunning
from payments.domain.enquiring import Enquiries, enquiries_from, require_enquiries
from payments.domain.errors import InvalidValueError
from payments.domain.overpayment import Refunds, require_refunds
from payments.domain.publishing import Costs, OpenData, require_costs, require_open_data
from payments.domain.retaining import Retaining, require_retention
from payments.domain.valid_until import require_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYMENT_CHANNELS = frozenset({"konbini", "eltax", "debit", "notification", "bank"})


@dataclass(frozen=True, slots=True)
class Item:
    """科目: one levy or charge."""

    item_code: str  # 税目・料金番号, 3 digits
    name: str
    law: str  # "tax" or "public"
    el_qr: bool = True  # eL-QR may be printed for it
    konbini: bool = True  # the convenience-store barcode may be printed for it
    valid_until: str = ""  # 支払期限 of its slips; "" is the profile's policy
    konbini_valid_until: str = ""  # 支払期限 in the barcode; "" is the profile's policy
    layout: str = "standard"  # 様式 of its slips, by name
    fund: str = "一般会計"  # 会計: the books the revenue belongs to


@dataclass(frozen=True, slots=True)
class SlipForm:
    """納付書の様式: a layout file of the municipality's own, kept whole with the profile."""

    file: str
    text: str  # TOML
    pictures: Mapping[str, str]  # PNG files that it names, as base64


@dataclass(frozen=True, slots=True)
class Agent:
    """収納代行会社・振込元: who sends a file, and what names it on the statement."""

    code: str  # the format it delivers, "eltax" or "debit"
    payer_code: str  # 振込依頼人コード, 10 digits
    payer_name: str  # 振込依頼人名 in half-width kana
    # "gross" (invoiced), "advised" (deducted as the advice says) or "agreed" (deducted, so much
    # for every confirmed payment).
    fee: str = "gross"
    fee_each_yen: int = 0
    company_code: str = ""  # MUF企業コード or the like
    client_code: str = ""  # 収納企業コード

    @property
    def is_net(self) -> bool:
        """差引入金か: whether its credits come without its fee (自治令164四)."""
        return self.fee in {"advised", "agreed"}


@dataclass(frozen=True, slots=True)
class Account:
    """指定口座: a bank account of the municipality."""

    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str  # 預金種目
    account_no: str  # 7 digits
    money_kind: str  # "03" or "01": which file is the money; the other is information

    @property
    def key(self) -> str:
        """One text that names the account in every table."""
        return f"{self.bank_code}-{self.branch_code}-{self.account_type}-{self.account_no}"


@dataclass(frozen=True, slots=True)
class Characters:
    """氏名の文字: what paper shows for one that no font has (payments.domain.characters)."""

    fallback: bool = False  # else such a slip is not printed, and the run's report names it
    decided: tuple[str, ...] = ()  # 置換え of the municipality, each ``character=instead``

    @property
    def table(self) -> dict[str, str]:
        """Character → what stands for it."""
        return dict(each.split("=", 1) for each in self.decided)


@dataclass(frozen=True, slots=True)
class Profile:
    """団体設定 of one municipality, one version."""

    municipality_code: str
    name: str
    collecting_body_code: str  # 共通納税機関コード
    konbini_company_code: str  # 請求書発行企業コード, 6 digits
    konbini_client_code: str  # first five digits of the free area
    debit_consignor_code: str  # 委託者コード, 10 digits
    debit_prefix: str  # first digits of 顧客番号
    items: tuple[Item, ...]
    agents: tuple[Agent, ...]
    accounts: tuple[Account, ...]
    version: str = "1"
    effective_on: str = "2026-04-01"
    contact: str = ""
    refund_return_patterns: tuple[str, ...] = ("ｸﾐﾓﾄﾞｼ",)
    confirmation_days: int = 15  # business days a 速報 may wait for its 確報
    settlement_days: int = 3  # business days a group may wait for its credit
    alias_days: int = 730  # days for which a payer's name learned from a link is remembered
    cases_per_run_max: int = 10_000  # a run opening more than this AND than the share below stops
    cases_share_max: float = 0.5
    layouts: tuple[str, ...] = ()  # 独自様式, each a description as JSON text (docs/formats.md)
    registers: tuple[str, ...] = ()  # 台帳の対応づけ, described in the same way
    # 支払期限 (payments.domain.valid_until): from 納期限; in the barcode ("" where it is the same);
    # and from the day of issue, for a slip issued when the first would have passed.
    valid_until: str = "next_fiscal_year:04-30"
    konbini_valid_until: str = ""
    late_valid_until: str = "days_after:30"
    case_key_prefix: str = "0000"  # the first digits of 案件特定キー of slips issued here
    slip_layouts: tuple[SlipForm, ...] = ()  # 納付書の様式 of its own (docs/adr/0006)
    upload_registered_slips: bool = False  # slips of a register are ours to hand to the hub
    arrivals: tuple[ArrivalRule, ...] = ()  # 受領予定; a source without one has the usual days
    costs: Costs = field(default_factory=Costs)  # 費用の単価
    open_data: OpenData = field(default_factory=OpenData)  # 公開
    refunds: Refunds = field(default_factory=Refunds)  # 還付
    debit: Debiting = field(default_factory=Debiting)  # 口座振替
    certificate_provisional: bool = False  # 速報 counts as paid in a certificate (law.md E-01)
    enquiries: Enquiries = field(default_factory=Enquiries)  # 照会
    charges: Charges = field(default_factory=Charges)  # 延滞金・督促手数料・分納
    dunning: Dunning = field(default_factory=Dunning)  # 督促
    characters: Characters = field(default_factory=Characters)  # 印字できない文字
    retention: tuple[Retaining, ...] = ()  # 保存年限, where it is longer than the shortest

    def item(self, item_code: str) -> Item:
        """The item of this code; :class:`InvalidValueError` when the profile has none."""
        for item in self.items:
            if item.item_code == item_code:
                return item
        raise InvalidValueError("unknown_item", item_code=item_code)

    def agent(self, code: str) -> Agent | None:
        """The agent of this code, or None."""
        return next((agent for agent in self.agents if agent.code == code), None)

    def account(self, key: str) -> Account | None:
        """The account of this key, or None when the profile does not name it."""
        return next((account for account in self.accounts if account.key == key), None)


def profile_from_mapping(data: Mapping[str, Any]) -> Profile:
    """A profile from parsed TOML; every deviation is an :class:`InvalidValueError`."""
    try:
        plain = {k: v for k, v in data.items() if k not in {"items", "agents", "accounts"}}
        if "refund_return_patterns" in plain:
            plain["refund_return_patterns"] = tuple(plain["refund_return_patterns"])
        for name in ("layouts", "registers"):
            plain[name] = tuple(
                each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
                for each in plain.get(name, ())
            )
        forms = tuple(SlipForm(**form) for form in plain.pop("slip_layouts", ()))
        expected = tuple(ArrivalRule(**rule) for rule in plain.pop("arrivals", ()))
        costs, open_data = Costs(**plain.pop("costs", {})), OpenData(**plain.pop("open_data", {}))
        charges = _charges(plain.pop("charges", {}))
        enquiries = enquiries_from(plain.pop("enquiries", {}))
        debit = _debiting(plain.pop("debit", {}))
        dunning = Dunning(**plain.pop("dunning", {}))
        characters = _characters(plain.pop("characters", {}))
        retention = tuple(Retaining(**rule) for rule in plain.pop("retention", ()))
        refunds = dict(plain.pop("refunds", {}))
        refunds["short_items"] = tuple(refunds.get("short_items", ()))
        profile = Profile(
            **plain,
            refunds=Refunds(**refunds),
            debit=debit,
            enquiries=enquiries,
            charges=charges,
            dunning=dunning,
            characters=characters,
            retention=retention,
            costs=costs,
            open_data=open_data,
            slip_layouts=forms,
            arrivals=expected,
            items=tuple(Item(**item) for item in data["items"]),
            agents=tuple(Agent(**agent) for agent in data["agents"]),
            accounts=tuple(Account(**account) for account in data["accounts"]),
        )
        _check(profile)
    except InvalidValueError:
        raise
    # A value of another kind than its field, found wherever somebody first works with it.
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InvalidValueError("profile_field", reason=str(error)) from error
    return profile


def _charges(data: Mapping[str, Any]) -> Charges:
    """The section of the charges, whose lines stand in lists of their own."""
    plain = dict(data)
    levies = tuple(LevyCharges(**each) for each in plain.pop("levies", ()))
    fees = tuple(FeeRule(**each) for each in plain.pop("fees", ()))
    return Charges(**plain, levies=levies, fees=fees)


def _characters(data: Mapping[str, Any]) -> Characters:
    """The section of the characters, each replaced by text that JIS X 0213 has."""
    found = Characters(**{**data, "decided": tuple(data.get("decided", ()))})
    for each in found.decided:
        character, _, instead = each.partition("=")
        if len(graphemes(character)) != 1 or not instead or not in_jis(instead):
            raise InvalidValueError("profile_field", reason=f"characters.decided: {each}")
    return found


def _debiting(data: Mapping[str, Any]) -> Debiting:
    """The section of the direct debit, whose banks stand in a list of their own."""
    plain = dict(data)
    banks = tuple(DebitBank(**each) for each in plain.pop("banks", ()))
    if "second_codes" in plain:
        plain["second_codes"] = tuple(plain["second_codes"])
    return Debiting(**plain, banks=banks)


def _check(profile: Profile) -> None:
    """Refuse a profile whose codes cannot be what they claim to be."""
    digits = {
        "municipality_code": (profile.municipality_code, 5),
        "collecting_body_code": (profile.collecting_body_code, 5),
        "konbini_company_code": (profile.konbini_company_code, 6),
        "konbini_client_code": (profile.konbini_client_code, 5),
        "debit_consignor_code": (profile.debit_consignor_code, 10),
        "case_key_prefix": (profile.case_key_prefix, 4),
        **{f"item {i.item_code}": (i.item_code, 3) for i in profile.items},
        **{f"agent {a.code}": (a.payer_code, 10) for a in profile.agents},
        **{f"account {a.key}": (a.account_no, 7) for a in profile.accounts},
    }
    for name, (value, length) in digits.items():
        if len(value) != length or not (value.isascii() and value.isdigit()):
            raise InvalidValueError(
                "profile_digits", field=name, found=value, expected=f"{length} digits"
            )
    if len({item.item_code for item in profile.items}) != len(profile.items):
        raise InvalidValueError("profile_items", found="the same item_code twice")
    for policy in (
        profile.valid_until,
        profile.late_valid_until,
        profile.konbini_valid_until,
        *(
            policy
            for item in profile.items
            for policy in (item.valid_until, item.konbini_valid_until)
        ),
    ):
        if policy:
            require_policy(policy)
    for agent in profile.agents:
        # Only eLTAX names its fees in an advice; it has no agreed ones.
        kinds = {"gross", "advised"} if agent.code == "eltax" else {"gross", "agreed"}
        if agent.fee not in kinds or (agent.fee == "agreed") != (agent.fee_each_yen > 0):
            raise InvalidValueError("profile_fee", field=agent.code, found=agent.fee)
    senders = {"eltax_remittance", *(agent.code for agent in profile.agents)}
    senders |= {f"bank:{account.key}" for account in profile.accounts}
    for rule in profile.arrivals:
        if rule.source not in senders:
            expected = " / ".join(sorted(senders))
            raise InvalidValueError(
                "arrival_rule", field="source", found=rule.source, expected=expected
            )
    require_costs(profile.costs, {agent.code for agent in profile.agents}, PAYMENT_CHANNELS)
    require_open_data(profile.open_data)
    require_refunds(
        profile.refunds,
        {item.item_code for item in profile.items},
        {account.key for account in profile.accounts},
    )
    require_debiting(profile.debit)
    require_enquiries(profile.enquiries)
    require_charges(profile.charges, {item.item_code for item in profile.items})
    require_dunning(profile.dunning)
    require_retention(profile.retention)
    for account in profile.accounts:
        if account.money_kind not in {"01", "03"}:
            raise InvalidValueError("profile_money", found=account.money_kind, expected="01 or 03")
