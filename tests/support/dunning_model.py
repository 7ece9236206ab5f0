"""The grounds once more, slowly: one instalment at a time in plain Python over plain rows.

Shares no statement and no rule with the engine. It knows what a collector would ask: is it due, is
it paid, and is there any sign at all that money may be on its way.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.unit_of_work import reading

if TYPE_CHECKING:
    from sqlalchemy import Engine

OPEN = {"open", "acknowledged"}


class Books:
    """Every row that matters, read whole."""

    def __init__(self, engine: Engine, code: str) -> None:
        """Read them."""
        with reading(engine, code) as connection:

            def rows(table: str) -> list[Any]:
                found = connection.execute(
                    text(f"SELECT * FROM {table} WHERE municipality_code = :m"), {"m": code}
                )
                return list(found.mappings())

            self.accounts = rows("instalment_account")
            self.instalments = {(r["notice_id"], r["term"]): r for r in rows("instalment")}
            self.notices = {r["notice_id"]: r for r in rows("notice")}
            self.receipts = [r for r in rows("receipt") if r["notice_id"] is not None]
            self.cases = [r for r in rows("review_case") if r["state"] in OPEN]
            self.holds = rows("hold_event")

    def grounds(self, as_of: date, wait_days: int, minimum_yen: int) -> dict[Any, tuple[str, ...]]:
        """(notice, term) → every ground in its order; none when a letter may go."""
        found = {}
        for account in self.accounts:
            key = (account["notice_id"], account["term"])
            due = _day(self.instalments[key]["due_on"])
            paid = account["term_yen"] + account["whole_yen"] - account["surplus_yen"]
            left = account["amount_yen"] - paid
            unconfirmed = self._unconfirmed(*key)
            if account["amount_yen"] == 0 or due >= as_of or (left <= 0 and not unconfirmed):
                continue
            signs = {
                "held": self._held(key, as_of),
                "provisional": unconfirmed,
                "case_open": self._asked(key[0]),
                "wrong_instalment": self._suspected(key[0]) or self._next_paid(account),
                "alternative_paid": any(
                    r["term"] == "00" and r["suspense_yen"] > 0 for r in self._money(key[0])
                ),
                "money_waiting": self._waits(key[0]),
                "too_early": due >= as_of - timedelta(days=wait_days),
                "below_minimum": left < minimum_yen,
            }
            found[key] = tuple(name for name, holds in signs.items() if holds)
        return found

    def paid(self, key: tuple[int, str]) -> bool:
        """Whether money for all of the claim has been reported by anybody, in whatever state."""
        account = next(a for a in self.accounts if (a["notice_id"], a["term"]) == key)
        came = sum(
            r["amount_yen"]
            for r in self._money(key[0])
            if r["stage"] != "withdrawn" and r["term"] in {key[1], "00"}
        )
        return bool(came >= account["amount_yen"])

    def _money(self, notice_id: int) -> list[Any]:
        return [r for r in self.receipts if r["notice_id"] == notice_id]

    def _unconfirmed(self, notice_id: int, term: str) -> bool:
        return any(
            r["stage"] == "provisional" and r["term"] in {term, "00"}
            for r in self._money(notice_id)
        )

    def _held(self, key: tuple[int, str], as_of: date) -> bool:
        row = self.instalments[key]
        if row["collection_hold"] or row["dunning_hold"]:
            return True
        lifted = {h["hold_no"]: _day(h["from_on"]) for h in self.holds if h["event"] == "lifted"}
        return any(
            h["event"] == "set"
            and h["notice_id"] == key[0]
            and h["term"] in {key[1], "00"}
            and _day(h["from_on"]) <= as_of
            and (h["until_on"] is None or _day(h["until_on"]) >= as_of)
            and not (h["hold_no"] in lifted and lifted[h["hold_no"]] <= as_of)
            for h in self.holds
        )

    def _asked(self, notice_id: int) -> bool:
        lines = {(r["file_id"], r["line_no"]) for r in self._money(notice_id)}
        return any(
            (c["file_id"], c["line_no"]) in lines
            or (
                c["kind"] != "wrong_instalment_suspected"
                and c["subject"].startswith(f"{notice_id}/")
            )
            for c in self.cases
        )

    def _suspected(self, notice_id: int) -> bool:
        return any(
            c["kind"] == "wrong_instalment_suspected" and c["subject"].startswith(f"{notice_id}/")
            for c in self.cases
        )

    def _next_paid(self, account: Any) -> bool:
        later = [
            a
            for a in self.accounts
            if a["notice_id"] == account["notice_id"]
            and int(a["term"]) == int(account["term"]) + 1
            and a["amount_yen"] > 0
            and a["amount_yen"] == a["term_yen"] + a["whole_yen"] - a["surplus_yen"]
        ]
        if not later or account["term_yen"] + account["whole_yen"]:
            return False
        due = _day(self.instalments[later[0]["notice_id"], later[0]["term"]]["due_on"])
        return any(
            r["term"] == later[0]["term"] and r["applied_yen"] > 0 and _day(r["paid_on"]) <= due
            for r in self._money(account["notice_id"])
        )

    def _waits(self, notice_id: int) -> bool:
        mine = {
            n
            for n, row in self.notices.items()
            if row["obligor_no"] == self.notices[notice_id]["obligor_no"]
        }
        suspense = any(
            r["notice_id"] in mine and r["suspense_yen"] > 0 and r["stage"] != "withdrawn"
            for r in self.receipts
        )
        surplus = any(a["notice_id"] in mine and a["surplus_yen"] > 0 for a in self.accounts)
        return suspense or surplus or any(self._suspected(n) for n in mine)


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
