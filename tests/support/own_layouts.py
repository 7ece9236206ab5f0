"""What the tests of described layouts share: the example layouts, a profile, files of them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from delimited_samples import CONTEXT, PROFILE, ROOT

from payments.domain.profile import Agent
from reconcile.formats.own_format import OwnFormat, formats_of

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from reconcile.model import ReadContext

LAYOUTS = ROOT / "docs" / "layouts"
EXAMPLES = sorted(path.stem for path in LAYOUTS.glob("*.toml"))
KYODO_PAYER = ("9000000011", "ﾐﾎﾝｷﾖｳﾄﾞｳ")


def description(name: str) -> dict[str, Any]:
    """One of the example layouts as parsed TOML."""
    return tomllib.loads((LAYOUTS / f"{name}.toml").read_text("utf-8"))


def with_layouts(*descriptions: dict[str, Any]) -> Profile:
    """The sample municipality with these layouts, and an agent for each that needs one."""
    known = {agent.code for agent in PROFILE.agents}
    agents = tuple(
        Agent(each["code"], *KYODO_PAYER)
        for each in descriptions
        if each.get("channel") == "konbini" and each.get("code") not in known
    )
    layouts = tuple(json.dumps(each, ensure_ascii=False) for each in descriptions)
    return replace(PROFILE, agents=(*PROFILE.agents, *agents), layouts=layouts)


def own_format(shape: dict[str, Any]) -> OwnFormat:
    """The format that a description becomes."""
    form = formats_of(with_layouts(shape))[-1]
    assert isinstance(form, OwnFormat)
    return form


def own_context(shape: dict[str, Any]) -> ReadContext:
    """How a file of it is read."""
    return replace(CONTEXT, profile=with_layouts(shape))


def kyodo(*lines: str, announced: int | None = None, trailer: str | None = None) -> bytes:
    """A file of the invented 共同収納サービス; totals that tie unless told otherwise."""
    amounts = [(line.split(",")[1], int(line.split(",")[6])) for line in lines]
    confirmed = sum(yen for state, yen in amounts if state == "2")
    count = len(lines) if announced is None else announced
    last = trailer or f"TR,{len(lines)},{sum(yen for _, yen in amounts)},{confirmed}"
    rows = (f"HD,KYODO-SHUNO,00000001,{count}", *lines, last, "")
    return "\n".join(rows).encode("cp932")


def kyodo_line(
    state: str = "1",
    key: str = "000010000000000123450",
    yen: int = 12300,
    transfer_on: str = "",
    **other: str,
) -> str:
    """One report of it."""
    values = {
        "mark": "DT", "state": state, "paid_on": "2026-06-10", "paid_at": "12:34", "key": key,
        "issue_no": "0", "amount": str(yen), "chain": "0030", "shop": "001234",
        "shop_name": "みほん店", "transfer_on": transfer_on, "made_on": "2026-06-11",
    }  # fmt: skip
    return ",".join((values | other).values())


def unified() -> dict[str, Any]:
    """A described layout of the joint channel, and one of debit results."""
    names = ("kind", "amount", "paid_on", "el_number", "channel", "operator", "number",
             "transfer_on", "remittance_no")  # fmt: skip
    kinds = {"amount": "amount", "paid_on": "yyyymmdd", "transfer_on": "yyyymmdd"}
    lengths = {"el_number": 34, "channel": 20, "operator": 10, "number": 40, "remittance_no": 20}
    return {
        "code": "eltax_town", "label": "納付情報（独自様式）", "channel": "eltax", "shape": "csv",
        "encoding": "utf-8",
        "records": [{"record": "data", "fields": [
            {"name": name, "kind": kinds.get(name, "text"), "label": name,
             "optional": name == "transfer_on"} | ({"length": lengths[name]} if name in lengths else {})
            for name in names
        ]}],
        "line": {name: name for name in names if name not in {"number", "transfer_on"}}
        | {"transaction_id": "number", "remitted_on": "transfer_on"},
    }  # fmt: skip


def debit_shape() -> dict[str, Any]:
    """口座振替結果 as a described CSV with a header record."""
    return {
        "code": "debit_town", "label": "口座振替結果（独自様式）", "channel": "debit",
        "shape": "csv", "encoding": "cp932", "column_header": False,
        "records": [
            {"record": "header", "fields": [
                {"name": "mark", "kind": "constant", "value": "DEBIT-H"},
                {"name": "consignor", "kind": "digits", "length": 10},
                {"name": "debited_on", "kind": "era_yymmdd"},
                {"name": "bank", "kind": "digits", "length": 4},
            ]},
            {"record": "data", "fields": [
                {"name": "mark", "kind": "constant", "value": "DEBIT-D"},
                {"name": "customer_no", "kind": "text", "length": 20},
                {"name": "amount", "kind": "amount"},
                {"name": "result", "kind": "text", "length": 2},
            ]},
            {"record": "end", "fields": [
                {"name": "mark", "kind": "constant", "value": "DEBIT-E"},
                {"name": "records", "kind": "amount"},
                {"name": "groups", "kind": "amount"},
            ]},
        ],
        "line": {
            "kind": "result", "amount": "amount", "paid_on": "header.debited_on",
            "customer_no": "customer_no", "consignor": "header.consignor", "bank": "header.bank",
        },
        "kinds": {"OK": "0", "NG": "1"},
        "controls": [
            {"record": "end", "field": "records", "total": "records"},
            {"record": "end", "field": "groups", "total": "groups"},
        ],
    }  # fmt: skip


def own_debits(*lines: str, day: str = "080601", count: int = 0) -> bytes:
    rows = [f"DEBIT-H,1234567890,{day},9999", *(f"DEBIT-D,{line}" for line in lines)]
    rows.append(f"DEBIT-E,{count or len(rows) + 1},1")
    return "".join(f"{row}\r\n" for row in rows).encode()
