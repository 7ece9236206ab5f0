"""対応づけた台帳の値: the fields of one instalment of a line, by the rules of the description."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from payments.domain.wareki import parse_era_day, parse_era_year
from reconcile.formats.delimited import Days
from reconcile.formats.mapping_rules import COMMAS, KANA, PLAIN, SIGNED
from reconcile.formats.register_changes import AMOUNT, KIND, KINDS, of_yen
from reconcile.formats.register_lines import LineFault

if TYPE_CHECKING:
    from reconcile.formats.delimited import Layout
    from reconcile.formats.mapping import Instalment, RegisterMapping
    from reconcile.formats.mapping_rules import Rule

_CODES_SHOWN, _SHOWN = 12, 80  # codes, characters of what was expected
_SPACES = " \u3000"
_NAME = 7  # obligor_name among the values of an assessment


class Values:
    """値の読み方: the rules of one description, over the lines of one file."""

    def __init__(self, described: RegisterMapping) -> None:
        """``described``: the description, checked."""
        self.mapping = described
        self.layout: Layout = described.layout
        self.days = Days()
        self.places: dict[str, int] = {}
        self.width = 0
        self.kept: dict[tuple[str, str], str | None] = {}  # codes, dates, years met before
        self._instalments = described.instalments()

    def columns(self, names: tuple[str, ...]) -> None:
        """Where each column of the file stands."""
        self.width = len(names)
        self.places = {f"#{place + 1}": place for place in range(self.width)}
        self.places |= {name: place for place, name in enumerate(names)}

    def of(
        self, each: Instalment, written: list[str]
    ) -> tuple[tuple[str, ...] | None, list[LineFault]]:
        """The fields of one instalment of a line, and those that are wrong."""
        found: list[str] = []
        faults: list[LineFault] = []
        for index, column in enumerate(self.layout.columns):
            if column.name == "flags":
                value = self._flags(each, written)
            else:
                rule = each.rules.get(column.name)
                value = "" if rule is None else self.value(column.name, rule, written)
            if value is None:
                expected = self._expected(each, column.name)
                faults.append(LineFault(column.fault, index, expected))
            elif not self._fits(index, value):
                faults.append(LineFault(column.fault, index, column.expected))
            found.append(value or "")
        return (None if faults else tuple(found)), faults

    def _fits(self, index: int, value: str) -> bool:
        if self.layout.fields[index].fullmatch(value):
            return True
        if self.mapping.changes is not None and index in {KIND, AMOUNT}:
            if index == KIND:
                return value in KINDS
            return self.layout.fields[index].fullmatch(value.removeprefix("-")) is not None
        # Names come from the 宛名 taken in before (names = "register").
        return self.mapping.names == "register" and index == _NAME and value == ""

    def value(self, name: str, rule: Rule, written: list[str]) -> str | None:
        """What a rule makes of a line; None where the column says nothing that it knows."""
        if not rule.columns:
            return rule.constant
        parts = [written[self.places[column]] for column in rule.columns]
        text = rule.between.join(filter(None, parts)) if len(parts) > 1 else parts[0]
        if rule.trim:
            text = text.strip(_SPACES)
        if not text and rule.default is not None:
            return rule.default
        if rule.first:
            text = text[: rule.first]
        if rule.last:
            text = text[-rule.last :]
        if rule.codes is not None or rule.form not in {PLAIN, KANA, COMMAS, SIGNED}:
            key = (name, text)
            if key not in self.kept:
                self.kept[key] = self._known(rule, text)
            return self.kept[key]
        if rule.form == KANA:
            text = unicodedata.normalize("NFKC", text)
        elif rule.form == COMMAS:
            text = text.replace(",", "")
        elif rule.form == SIGNED:
            text = of_yen(text)
        if rule.strip_zeros:
            text = text.lstrip("0") or "0"
        return text.rjust(rule.pad, "0") if rule.pad and text else text

    def _known(self, rule: Rule, text: str) -> str | None:
        """A code, day or year as ours."""
        if rule.codes is not None:
            return rule.codes.get(text)
        if rule.form in {"wareki", "gyymmdd"}:
            day = parse_era_day(text, coded=rule.form == "gyymmdd")
            return day.isoformat() if day else None
        if rule.form in {"wareki_year", "gyy"}:
            year = parse_era_year(text, coded=rule.form == "gyy")
            return str(year) if year else None
        if rule.form == "yyyy":
            return text
        if rule.form == "yyyy/mm/dd":
            text = text.replace("/", "-") if text.count("/") == 2 else ""
        elif rule.form == "yyyymmdd":
            text = text if "-" not in text else ""
        elif "-" not in text:
            text = ""
        return self.days[text]

    def _flags(self, each: Instalment, written: list[str]) -> str | None:
        """The flags of an instalment; None where a column has a value that nobody named."""
        found: list[str] = []
        for flag in each.flags:
            value = written[self.places[flag.column]]
            if value in flag.values:
                found.append(flag.name)
            elif value not in flag.others:
                return None
        return ";".join(dict.fromkeys(found))

    def _expected(self, each: Instalment, name: str) -> str:
        """What the column of a field may say."""
        if name == "flags":
            named = [
                f"{flag.column}={value}"
                for flag in each.flags
                for value in sorted(flag.values | flag.others)
            ]
            return " / ".join(named)[:_SHOWN]
        rule = each.rules[name]
        return " / ".join([*rule.codes][:_CODES_SHOWN]) if rule.codes is not None else rule.form

    def there(self, written: list[str]) -> list[Instalment]:
        """The instalments that a line has: those whose amount is not blank."""
        wide = self.mapping.wide
        if wide is None:
            return self._instalments
        return [
            each
            for each in self._instalments
            if any(
                written[self.places[column]].strip(_SPACES) not in wide.blank
                for column in each.rules["amount_yen"].columns
            )
        ]

    def before(self, each: Instalment, written: list[str]) -> tuple[int | None, list[LineFault]]:
        """更正前の額, None where the file leaves it blank."""
        if each.before is None:
            return None, []
        found = self.value("before_yen", each.before, written)
        if not found:
            return None, []
        if not self._fits(AMOUNT, found) or found.startswith("-"):
            column = self.layout.columns[AMOUNT]
            return None, [LineFault(column.fault, len(self.layout.columns), column.expected)]
        return int(found), []
