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
