"""督促の定め: by which terms a list is drawn, and why an instalment is held back.

The first ground that holds is the one that counts; all that held are kept as bits, so that each can
be explained. Source: law.md 3 and L-01 to L-03; 地方税法329条, 331条, 371条, 373条.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from payments.domain.dunning import MINIMUM_YEN_MAX, WAIT_DAYS_MAX
from payments.domain.errors import InvalidValueError

# In the order in which they count.
PRESCRIBED = "prescribed"
GROUNDS = (
    PRESCRIBED,  # 時効の完成
    "held",  # 猶予・停止
    "plan",  # 履行中の分納
    "provisional",  # 速報
    "debit_out",  # 口座振替の結果待ち
    "case_open",  # 未処理の確認事項
    "wrong_instalment",  # 期別取り違えの疑い
    "alternative_paid",  # 全期・期別のもう一方で納付
    "money_waiting",  # 充当・還付を待つお金
    "transfer_waiting",  # 名義の合う未照合の入金
    "other_list",  # 発送前の別の督促
    "charge",  # 延滞金・督促手数料
    "channel_incomplete",  # 資料の未着
    "too_early",  # 納期限から日が浅い
    "below_minimum",  # 最低額未満
)
# A bit is kept with every list, so that a new ground takes the next one wherever it counts.
_BITS_GIVEN = (*GROUNDS[1:], PRESCRIBED)
BITS = {ground: 1 << number for number, ground in enumerate(_BITS_GIVEN)}
# Reasons for which a letter is taken out beside the grounds.
PAID, CANCELLED, AMOUNT_CHANGED = "paid", "cancelled", "amount_changed"
PULLED = (PAID, CANCELLED, AMOUNT_CHANGED)
# What only time or another list can change says nothing against a letter that exists.
_PULLING = tuple(
    ground for ground in GROUNDS if ground not in {"other_list", "too_early", "below_minimum"}
)
PULL_MASK = sum(BITS[ground] for ground in _PULLING)
LETTER_DAYS = 20  # 督促状 within 20 days of the 納期限
SEIZURE_DAYS = 10  # seizure only after 10 days from dispatch


@dataclass(frozen=True, slots=True)
class Terms:
    """抽出の条件: as of which day, which claims, and how long and how much to wait for.

    An instalment is ``too_early`` until ``wait_days`` have passed since its (shifted) 納期限; that
    is how long a payment may take to reach the books. ``due_from`` and ``due_to`` and ``item_code``
    narrow the claims down.
    """

    as_of: date
    wait_days: int = 10
    minimum_yen: int = 1
    due_from: date | None = None
    due_to: date | None = None
    item_code: str = ""

    @property
    def due_limit(self) -> date:
        """納期限 up to which an instalment is not too early."""
        return self.as_of - timedelta(days=self.wait_days + 1)

    def as_json(self) -> str:
        """The terms as their list keeps them."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False, sort_keys=True)


def require_terms(terms: Terms) -> Terms:
    """条件の確認; :class:`InvalidValueError` ``dunning_terms`` with the field and its range."""
    faults = (
        ("wait_days", terms.wait_days, 0, WAIT_DAYS_MAX),
        ("minimum_yen", terms.minimum_yen, 1, MINIMUM_YEN_MAX),
    )
    for field, found, least, most in faults:
        if not least <= found <= most:
            raise InvalidValueError(
                "dunning_terms", field=field, found=found, expected=f"{least}..{most}"
            )
    if terms.due_from and terms.due_to and terms.due_to < terms.due_from:
        raise InvalidValueError(
            "dunning_terms",
            field="due_to",
            found=terms.due_to.isoformat(),
            expected=terms.due_from.isoformat(),
        )
    return terms


def terms_of(kept: str) -> Terms:
    """抽出の条件 as a list keeps them."""
    values: dict[str, Any] = json.loads(kept)
    for name in ("as_of", "due_from", "due_to"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return Terms(**values)


def grounds_in(bits: int) -> tuple[str, ...]:
    """すべての根拠: the grounds whose bits are set, in the order in which they count."""
    return tuple(ground for ground in GROUNDS if bits & BITS[ground])
