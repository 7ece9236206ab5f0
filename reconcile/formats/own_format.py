"""独自様式の差し込み: the layouts of a municipality beside those that are shipped.

A file must be claimed by exactly one format. What a described layout claims is worked out from its
fields, byte by byte, and compared with every other layout when the profile is loaded, so that two
layouts that could claim the same file are refused before the first file comes.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats import FORMATS, delimited, fixed_length, signatures
from reconcile.formats.own_layout import DATA, HEADER, OwnLayout, own_layout
from reconcile.formats.own_reader import reader_of
from reconcile.formats.own_values import DIGITS
from reconcile.formats.wrapping import BOM
from reconcile.model import Channel, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.formats.contract import Format
    from reconcile.formats.own_values import Bytes
    from reconcile.formats.wrapping import Wrapping
    from reconcile.model import ReadContext

_AGENTS = {Channel.ELTAX: "eltax", Channel.DEBIT: "debit"}  # konbini: the layout's own code
PROFILE = "団体設定"


class Claim(NamedTuple):
    """見分け方: what may stand at each byte of the first record, and of a data record."""

    code: str
    head: tuple[Bytes, ...]
    data: tuple[Bytes, ...] = ()

    def excludes(self, other: Claim) -> bool:
        """Whether no file can be claimed by both."""
        return any(
            mine is not None and theirs is not None and mine.isdisjoint(theirs)
            for ours, others in ((self.head, other.head), (self.data, other.data))
            for mine, theirs in zip(ours, others, strict=False)
        )


class OwnFormat:
    """独自様式: a described layout as a format like any other."""

    sources: tuple[str, ...] = ()  # the municipality's contract, which we do not know

    def __init__(self, own: OwnLayout) -> None:
        """Work out what the layout claims."""
        self.own = own
        self.code, self.label_ja, self.channel = own.code, own.label, own.channel
        self.claim = Claim(own.code, _head(own), _constants(own) if own.record_length else ())
        self._head, self._data = _expression(self.claim.head), _expression(self.claim.data)

    def identify(self, data: bytes) -> bool:
        """Whether the first record, and the first data record, are what the layout says."""
        body = data.removeprefix(BOM)
        if self._head.match(body) is None:
            return False
        own = self.own
        if not own.record_length or HEADER not in own.records:
            return True
        mark = (own.data.mark or "").encode("cp932")
        rows = signatures.first_rows(body, own.record_length)
        first = next((row for row in rows if row.startswith(mark)), None)
        return first is None or self._data.match(first) is not None

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """Read the file lazily; what is wrong with it becomes findings."""
        own = self.own
        agent = context.profile.debit_consignor_code if own.channel is Channel.DEBIT else own.code
        reading = Reading(
            own.code,
            own.channel,
            iter(()),
            agent="eltax" if own.channel is Channel.ELTAX else agent,
            counts_equal_lines=own.channel is not Channel.ELTAX,
        )
        reading.lines = reader_of(own)(data, reading, context).lines()
        return reading

    def take_apart(
        self, data: bytes
    ) -> tuple[Wrapping, Iterator[fixed_length.Row] | Iterator[delimited.Row]]:
        """An accepted file as its wrapping and its records, nothing left out."""
        own = self.own
        if not own.record_length:
            return delimited.take_apart(data, own.encoding, own.newline)
        layouts = {record.mark: record.layout for record in own.records.values()}
        width = len(own.data.mark or "")
        return fixed_length.take_apart(
            data, own.record_length, lambda text: layouts.get(text[:width])
        )

    def write(self, rows: Iterable[fixed_length.Row | delimited.Row], wrapping: Wrapping) -> bytes:
        """The bytes of these records; of what was taken apart, the very bytes delivered."""
        if self.own.record_length:
            return fixed_length.put_together(
                (row for row in rows if isinstance(row, fixed_length.Row)), wrapping
            )
        return delimited.put_together(
            (row for row in rows if isinstance(row, delimited.Row)), wrapping, self.own.encoding
        )


def formats_of(profile: Profile) -> tuple[Format, ...]:
    """ファイル形式の一覧: those that are shipped, less those replaced, and the municipality's own.

    Raises:
        InvalidValueError: a layout that cannot be, names no agent, or could be taken for another.

    """
    if not profile.layouts:
        return FORMATS
    formats = _formats(profile.layouts)
    for own in (entry for entry in formats if isinstance(entry, OwnFormat)):
        agent = _AGENTS.get(own.channel, own.code)
        if profile.agent(agent) is None:
            known = ", ".join(each.code for each in profile.agents)
            raise InvalidValueError(
                "layout_agent", file=PROFILE, key=f"agents.{agent}", found=known, expected=agent
            )
    return formats


@lru_cache(maxsize=64)
def _formats(layouts: tuple[str, ...]) -> tuple[Format, ...]:
    """Read the descriptions once, however many files come."""
    own = [_own_format(text, number) for number, text in enumerate(layouts)]
    shipped = {entry.code for entry in FORMATS}
    replaced = {code for entry in own for code in entry.own.replaces}
    codes = [entry.code for entry in own]
    for number, entry in enumerate(own):
        for code in entry.own.replaces:
            if code not in shipped:
                known = ", ".join(sorted(shipped))
                _refuse("layout_value", f"layouts[{number}].replaces", code, known)
        if codes.count(entry.code) > 1 or entry.code in shipped - {*entry.own.replaces}:
            expected = f'replaces = ["{entry.code}"]' if entry.code in shipped else "1回だけ"
            _refuse("layout_code", f"layouts[{number}].code", entry.code, expected)
    kept = [claim for claim in _shipped_claims() if claim.code not in replaced]
    for one, other in combinations([*(entry.claim for entry in own), *kept], 2):
        if one.code != other.code and not one.excludes(other) and not {one, other} <= set(kept):
            _refuse("layout_ambiguous", f"layouts.{one.code}", one.code, other.code)
    return (*(entry for entry in FORMATS if entry.code not in replaced), *own)


def _refuse(code: str, key: str, found: str, expected: str) -> None:
    raise InvalidValueError(code, file=PROFILE, key=key, found=found, expected=expected)


def _own_format(text: str, number: int) -> OwnFormat:
    """One description, read and checked."""
    description = json.loads(text)
    if not isinstance(description, dict):
        _refuse("layout_value", f"layouts[{number}]", text, "{…}")
    file = description.pop("file", None)
    key = "" if file else f"layouts[{number}]"
    return OwnFormat(own_layout(description, file=str(file or PROFILE), key=key))


def _head(own: OwnLayout) -> tuple[Bytes, ...]:
    """What stands at the beginning of a file."""
    first = own.records.get(HEADER, own.records[DATA])
    if own.record_length:
        return tuple(byte for entry in first.fields for byte in entry.stands())
    if own.column_header:
        names = ",".join(entry.label for entry in own.data.fields)
        return _exactly(names.encode(own.encoding))
    head: tuple[Bytes, ...] = ()
    for entry in first.fields:
        place = entry.stands()
        if None in place or entry.kind == "amount":  # as many bytes as the value needs
            break
        head += (*place, *_exactly(b"," if entry is not first.fields[-1] else b""))
    return head


def _constants(own: OwnLayout) -> tuple[Bytes, ...]:
    """What stands in every data record, good or malformed."""
    return tuple(
        byte
        for entry in own.data.fields
        for byte in (entry.stands() if entry.kind == "constant" else (None,) * entry.length)
    )


def _exactly(text: bytes) -> tuple[Bytes, ...]:
    return tuple(frozenset([byte]) for byte in text)


def _expression(places: tuple[Bytes, ...]) -> re.Pattern[bytes]:
    """The same as an expression."""
    return re.compile(
        b"".join(
            b"." if place is None else b"[" + b"".join(re.escape(bytes([b])) for b in place) + b"]"
            for place in places
        ),
        re.DOTALL,
    )


def _shipped_claims() -> Iterator[Claim]:
    """What the shipped formats claim (see :mod:`reconcile.formats.signatures`)."""
    for kind, code in signatures.ZENGIN_FORMATS.items():
        head = (*_exactly(b"1" + kind.encode()), frozenset(b"01"), *(DIGITS,) * 6)
        yield Claim(code, head)
    for code, place in signatures.BARCODES.items():
        blank: tuple[Bytes, ...] = (None,) * (place.start - 1)
        head = (*_exactly(b"1"), DIGITS | frozenset(b" "))
        yield Claim(code, head, (*_exactly(b"2"), *blank, *_exactly(b"91")))
    for code, names in signatures.CSV_HEADERS.items():
        yield Claim(code, _exactly(names))
    yield Claim("konbini_dsk", _exactly(b"error:"))
