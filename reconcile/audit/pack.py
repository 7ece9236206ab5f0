"""監査資料: one day or one case as a bundle that proves itself, without this service.

The pack holds the evidence, what was read from it, what was decided and booked, the rules, and the
seals over all of it. ``check.py`` in it needs nothing but Python's standard library: it takes the
digests of every member, works the seals out again row by row, compares the figures with each other
and says in Japanese what holds and what does not.

Of what is asked for (:mod:`reconcile.audit.scope`) the sealed rows stand in full, of everything
else under the same seals their digests only, so that nobody else's payments leave the building. A
row file ``seals/NNNNNN/PART.txt`` has three kinds of lines: ``= ROW``, ``# DIGEST`` of a row that
is not part of this, and ``@ DIGEST`` of a whole block of such rows.

The same state of the books gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from itertools import chain as chain_of
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from sqlalchemy import text

from reconcile.audit import dunned
from reconcile.audit.seal import FIRST, instants_of, seal_text
from reconcile.audit.seal_parts import BLOCK_ROWS, PARTS, of_server, part_rows, row_texts
from reconcile.closures import signed_report
from reconcile.explain.bank import ADVICE_RULES, STATEMENT_RULES
from reconcile.placement.credit_ask import SETTLED_RULE
from reconcile.report.data import canonical_json, report_as_data
from reconcile.report.period import day_report
from reconcile.rules import PLACEMENT_RULES, RULES
from reconcile.store.evidence import evidence_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.audit.scope import Scope
    from reconcile.audit.seal_parts import Part

    _Instants = Callable[[datetime], str]

VERSION = 1
_REGISTER = "register"  # its bytes name everybody, so they come only when asked for
CHECKER = "checker.txt"
_AT_ONCE = 5_000
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a zip file knows no earlier moment
_PRIVATE = 0o600 << 16
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SEALS = (
    "SELECT seal_no, journal_id, entry_no, previous_sha256, sha256, made_utc FROM seal "
    "WHERE municipality_code = :m ORDER BY seal_no"
)
_SEAL_PARTS = (
    "SELECT seal_no, part, row_count, amount_yen, sha256 FROM seal_part "
    "WHERE municipality_code = :m ORDER BY seal_no"
)
# What is not sealed by itself, because it can be worked out again from evidence and ledger.
_LINE = (
    "file_id", "line_no", "byte_offset", "byte_length", "stage", "kind", "slip_key", "amount_yen",
    "paid_on", "remittance_ref", "fault",
)  # fmt: skip
_LINES = (
    f"SELECT {', '.join(_LINE)} FROM source_line WHERE municipality_code = :m "
    "AND file_id = :file_id{line} ORDER BY line_no"
)
_SETTLEMENTS = (
    "SELECT journal_id, file_id, line_no, group_id, amount_yen, fee_yen FROM settlement "
    "WHERE municipality_code = :m ORDER BY file_id, line_no, group_id"
)
_CASES = (
    "SELECT case_no, kind, subject, state, amount_yen, "
    "CAST(opened_on AS VARCHAR(10)) AS opened_on, owner, file_id, line_no, details "
    "FROM review_case WHERE municipality_code = :m ORDER BY case_no"
)
_FILE = (
    "SELECT file_id, name, format_code, channel, agent, status, "
    "CAST(received_on AS VARCHAR(10)) AS received_on, count, amount_yen, size_bytes, sha256 "
    "FROM source_file WHERE municipality_code = :m AND file_id = :file_id"
)


class Words(NamedTuple):
    """文言: what people read in a pack; the sentences are the caller's."""

    readme: str
    columns: Mapping[str, str]
    outcomes: Mapping[str, tuple[str, str]]
    accounts: Mapping[str, str]
    release: str


class Packed(NamedTuple):
    """監査資料の要約: what stands in it, and the hash of its manifest."""

    members: int
    sealed_rows: int
    manifest_sha256: str


class _Bundle:
    """The zip file: members in the order in which they are written, each with its digest."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: dict[str, dict[str, Any]] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Write one member piece by piece."""
        info = zipfile.ZipInfo(name, _OLDEST)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, _PRIVATE
        digest, size = sha256(), 0
        with self._archive.open(info, "w", force_zip64=True) as stream:

            def write(data: bytes) -> None:
                nonlocal size
                stream.write(data)
                digest.update(data)
                size += len(data)

            yield write
        self.members[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def text(self, name: str, content: str) -> None:
        """A whole member as UTF-8."""
        with self.member(name) as write:
            write(content.encode())

    def table(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], words: Words
    ) -> int:
        """A table as CSV (UTF-8 with BOM, for spreadsheets) under Japanese headings."""
        number = 0
        with self.member(f"tables/{name}.csv") as write:
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\r\n")
            writer.writerow([words.columns.get(column, column) for column in columns])
            write(b"\xef\xbb\xbf")
            for row in rows:
                writer.writerow([_cell(value) for value in row])
                number += 1
                if number % _AT_ONCE == 0:
                    write(buffer.getvalue().encode())
                    buffer.seek(0)
                    buffer.truncate()
            write(buffer.getvalue().encode())
        return number


class _Seal(NamedTuple):
    """One seal of the chain, with what it reaches back to."""

    seal_no: int
    said: str
    sha256: str
    scope: dict[str, Any]
    parts: dict[str, str]  # the digest of each


def write_pack(
    connection: Connection, profile: Profile, scope: Scope, words: Words, stream: BinaryIO
) -> Packed:
    """監査資料の作成 into ``stream``; everything in scope should be sealed already."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        bundle = _Bundle(archive)
        bundle.text("README.txt", words.readme)
        bundle.text("check.py", files("reconcile.audit").joinpath(CHECKER).read_text("utf-8"))
        chain = list(_chain(connection, profile.municipality_code))
        sealed = _write_seals(connection, scope, chain, bundle, words)
        file_rows = _write_files(connection, profile.municipality_code, scope, bundle, words)
        _write_facts(connection, profile.municipality_code, scope, bundle, words)
        if scope.day is not None:
            _write_report(connection, profile, scope, bundle)
        index = {
            "kokin_audit_pack": VERSION,
            "release": words.release,
            "municipality_code": profile.municipality_code,
            "municipality_name": profile.name,
            "scope": scope.name,
            "seals": {
                "first": chain[0].seal_no if chain else 0,
                "last": chain[-1].seal_no if chain else 0,
                "last_sha256": chain[-1].sha256 if chain else FIRST,
            },
            "sealed_rows": sealed,
            "labels": {
                "account": dict(words.accounts),
                "outcome": {code: label for code, (label, _sentence) in words.outcomes.items()},
            },
            "files": file_rows,
            "tables": sorted(name for name in bundle.members if name.startswith("tables/")),
        }
        bundle.text("index.json", _pretty(index))
        manifest = _pretty({"members": dict(sorted(bundle.members.items()))})
        bundle.text("manifest.json", manifest)
    digest = sha256(manifest.encode()).hexdigest()
    return Packed(len(bundle.members), sum(sealed.values()), digest)


def _chain(connection: Connection, municipality_code: str) -> Iterator[_Seal]:
    """Every seal from the first on."""
    parts: dict[int, list[Any]] = {}
    order = {part.name: number for number, part in enumerate(PARTS)}
    for row in connection.execute(text(_SEAL_PARTS), {"m": municipality_code}):
        parts.setdefault(row.seal_no, []).append(row)
    journal_id = entry_no = 0
    for seal in connection.execute(text(_SEALS), {"m": municipality_code}).all():
        listed = sorted(parts.get(seal.seal_no, ()), key=lambda row: order.get(row.part, 0))
        said = seal_text(
            municipality_code,
            seal.seal_no,
            seal.previous_sha256,
            (seal.journal_id, seal.entry_no),
            seal.made_utc,
            [tuple(row)[1:] for row in listed],
        )
        reach = {
            "m": municipality_code,
            "seal_no": seal.seal_no,
            "after_journal": journal_id,
            "journal_id": seal.journal_id,
            "after_entry": entry_no,
            "entry_no": seal.entry_no,
        }
        digests = {row.part: row.sha256 for row in listed}
        yield _Seal(seal.seal_no, said, seal.sha256, reach, digests)
        journal_id, entry_no = seal.journal_id, seal.entry_no


def _write_seals(
    connection: Connection, scope: Scope, chain: list[_Seal], bundle: _Bundle, words: Words
) -> dict[str, int]:
    """The chain, and the rows in scope within the proof of their seals; how many of each part."""
    with bundle.member("seals/chain.txt") as write:
        for seal in chain:
            write(f"{seal.sha256} {seal.said}\n".encode())
    counts: dict[str, int] = {}
    for part in PARTS:
        touched = [seal for seal in chain if _touches(scope, seal, part)]
        shown = [_write_part(connection, scope, seal, part, bundle) for seal in touched]
        held = [
            (seal, words_of)
            for seal, (number, words_of) in zip(touched, shown, strict=True)
            if number
        ]
        if held:
            # Read once more rather than kept in memory: a day may have a million rows.
            rows = _rows_in_scope(connection, scope, held, part)
            counts[part.name] = bundle.table(part.name, part.columns, rows, words)
    return counts


def _rows_in_scope(
    connection: Connection, scope: Scope, held: list[tuple[_Seal, _Instants]], part: Part
) -> Iterator[list[Any]]:
    """The rows of a part for its table, just as they are sealed."""
    for seal, instants in held:
        for portion in part_rows(connection, part, seal.scope):
            ours = [row for row in portion if scope.holds(part, row)]
            if ours:
                yield from json.loads(f"[[{'],['.join(row_texts(ours, instants))}]]")


def _touches(scope: Scope, seal: _Seal, part: Part) -> bool:
    """Whether a seal reaches over something in scope at all."""
    if part.columns[0] == "entry_no":
        lowest, highest, wanted = "after_entry", "entry_no", scope.entries
    else:
        lowest, highest, wanted = "after_journal", "journal_id", scope.journals
    return any(seal.scope[lowest] < number <= seal.scope[highest] for number in wanted)


def _write_part(
    connection: Connection, scope: Scope, seal: _Seal, part: Part, bundle: _Bundle
) -> tuple[int, _Instants]:
    """The rows of a part as proof: in full where they are in scope, else as digests.

    How many of them are in scope, and in which words their instants are sealed.
    """
    portions = part_rows(connection, part, seal.scope)
    first = next(portions, None)
    if first is None:
        return 0, of_server
    number = 0
    instants = instants_of(connection, part, seal.scope, seal.parts.get(part.name, ""), first)
    with bundle.member(f"seals/{seal.seal_no:06}/{part.name}.txt") as write:
        for portion in chain_of([first], portions):
            for start in range(0, len(portion), BLOCK_ROWS):
                rows = portion[start : start + BLOCK_ROWS]
                ours = [scope.holds(part, row) for row in rows]
                write(_block(row_texts(rows, instants), ours))
                number += sum(ours)
    return number, instants


def _block(texts: list[str], ours: list[bool]) -> bytes:
    """One block of rows in the words of the row file."""
    if not any(ours):
        together = b"".join([sha256(row.encode()).digest() for row in texts])
        return f"@ {sha256(b'block:' + together).hexdigest()}\n".encode()
    lines = [
        f"= {row}\n" if mine else f"# {sha256(row.encode()).hexdigest()}\n"
        for row, mine in zip(texts, ours, strict=True)
    ]
    return "".join(lines).encode()


def _write_files(
    connection: Connection, municipality_code: str, scope: Scope, bundle: _Bundle, words: Words
) -> list[dict[str, Any]]:
    """取込資料: their records, their bytes where they may be seen, and the lines in scope."""
    known: list[dict[str, Any]] = []
    for file_id in sorted(scope.files):
        row = connection.execute(text(_FILE), {"m": municipality_code, "file_id": file_id}).one()
        entry = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        if scope.with_files and (row.channel != _REGISTER or scope.with_registers):
            entry["member"] = f"evidence/{file_id:06}-{row.sha256[:12]}.bin"
            with bundle.member(entry["member"]) as write:
                for piece in evidence_pieces(connection, municipality_code, row.sha256):
                    write(piece)
        known.append(entry)
    bundle.table("line", _LINE, _lines(connection, municipality_code, scope), words)
    return known


def _lines(connection: Connection, municipality_code: str, scope: Scope) -> Iterator[Any]:
    """報告明細 in scope, by file and line."""
    if scope.lines is None:
        wanted: list[tuple[int, str, dict[str, int]]] = [
            (file_id, "", {}) for file_id in sorted(scope.files)
        ]
    else:
        wanted = [
            (file_id, " AND line_no = :line_no", {"line_no": line_no})
            for file_id, line_no in sorted(scope.lines)
        ]
    for file_id, condition, more in wanted:
        found = connection.execute(
            text(_LINES.format(line=condition)),
            {"m": municipality_code, "file_id": file_id, **more},
            execution_options={"yield_per": _AT_ONCE},
        )
        for portion in found.partitions(_AT_ONCE):
            yield from portion


def _write_facts(
    connection: Connection, municipality_code: str, scope: Scope, bundle: _Bundle, words: Words
) -> None:
    """入金充当・確認事項・規則 as they stand."""
    settled = connection.execute(text(_SETTLEMENTS), {"m": municipality_code})
    names = tuple(settled.keys())
    rows = (
        row
        for row in settled
        if row.journal_id in scope.journals
        and (scope.lines is None or (row.file_id, row.line_no) in scope.lines)
    )
    bundle.table("settlement", names, rows, words)
    cases = connection.execute(text(_CASES), {"m": municipality_code})
    names = tuple(cases.keys())
    rows = (
        row
        for row in cases
        if row.case_no == scope.case_no
        or (scope.day is not None and row.opened_on == scope.day.isoformat())
    )
    bundle.table("case", names, rows, words)
    if scope.dunning_lists:
        notices = scope.notices if scope.day is None else None
        found = dunned.rows_of(connection, municipality_code, scope.dunning_lists, notices)
        bundle.table("dunning_row", dunned.ROW, found, words)
    every = {
        rule.code: (rule.label_ja, rule.outcome, rule.condition, rule.applied)
        for rule in (*RULES, *PLACEMENT_RULES)
    }
    for code, outcome, label_ja, condition, _facts in (*STATEMENT_RULES, *ADVICE_RULES):
        every.setdefault(code, (label_ja, outcome, condition, ""))
    every[SETTLED_RULE] = ("払込の指定", "settled", "", "")
    rules = ((code, *rule, *words.outcomes.get(rule[1], ("", ""))) for code, rule in every.items())
    columns = ("rule", "rule_label", "outcome", "condition", "applied", "label", "sentence")
    bundle.table("rule", columns, rules, words)


def _write_report(connection: Connection, profile: Profile, scope: Scope, bundle: _Bundle) -> None:
    """日計: as it was signed, or as the books stand while the day is open."""
    if scope.day is None:
        return
    signed = signed_report(connection, profile.municipality_code, "day", scope.day)
    report = signed[0] if signed else day_report(connection, profile, scope.day)
    name = "day/signed.json" if signed else "day/open.json"
    bundle.text(name, canonical_json(report_as_data(report)))


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; check.py knows of it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n"
