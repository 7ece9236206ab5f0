"""印刷報告: what lies beside the PDFs of a run: manifest, read-back list and report.

Everything is written from the books, so it may be written again whenever they have moved on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from payments.print_runs import run_of
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web import formatting, messages
from web.csv_download import csv_lines
from web.printing import manifest
from web.printing.folder import (
    MANIFEST,
    READ_BACK,
    REPORT_HTML,
    REPORT_JSON,
    unwritable,
    whole_file,
)
from web.printing.plan import choice_of
from web.printing.shown_names import replaced
from web.printing.status import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Engine

    from payments.domain.profile import Profile
    from web.printing.status import RunStatus

_DIFFERENCES_SHOWN = 200


def write_papers(
    engine: Engine,
    municipality_code: str,
    run_id: int,
    folder: Path,
    progress: Callable[[int], None] | None = None,
) -> RunStatus:
    """一覧と報告を書く: manifest.csv, read-back.csv, then the report, each whole or not at all."""
    with reading(engine, municipality_code) as connection:
        status = status_of(connection, municipality_code, run_id)
        rows = manifest.manifest_rows(connection, municipality_code, status, progress)
        _write(folder / MANIFEST, csv_lines(manifest.COLUMNS, rows))
    differing = csv_lines(manifest.READ_BACK_COLUMNS, manifest.read_back_rows(status))
    _write(folder / READ_BACK, differing)
    write_report(engine, municipality_code, run_id, folder)
    return status


def write_report(engine: Engine, municipality_code: str, run_id: int, folder: Path) -> None:
    """印刷報告を書く: report.json for programs and report.html for people, as things stand now."""
    with reading(engine, municipality_code) as connection:
        status = status_of(connection, municipality_code, run_id)
        profile = load_profile(connection, municipality_code)
        other = [*replaced(connection, profile, run_id)]
    said = [(one.slip_no, one.field, one.shown.codes, one.shown.instead) for one in other]
    facts = status.as_dict() | {
        "replaced": [dict(zip(("slip_no", "field", "character", "shown"), one, strict=True))
                     for one in said]
    }  # fmt: skip
    text = json.dumps(facts, ensure_ascii=False, indent=2, default=str)
    _write(folder / REPORT_JSON, [f"{text}\n".encode()])
    _write(folder / REPORT_HTML, [_html(status, profile, said).encode()])


def rewrite_report(engine: Engine, municipality_code: str, run_id: int) -> None:
    """印刷報告を改める: after a decision about the run, where its folder still is."""
    with reading(engine, municipality_code) as connection:
        folder = Path(run_of(connection, municipality_code, run_id).folder)
    if (folder / REPORT_HTML).exists():
        write_report(engine, municipality_code, run_id, folder)


def _write(path: Path, lines: Iterable[bytes]) -> None:
    """A whole file; see :func:`web.printing.folder.unwritable` for what it raises."""
    with unwritable(path), whole_file(path) as stream:
        stream.writelines(lines)


def _html(
    status: RunStatus, profile: Profile, replaced_ones: Sequence[tuple[str, str, str, str]]
) -> str:
    """The report as a page that stands alone: no script, nothing fetched."""
    pages = Environment(
        loader=PackageLoader("web", "templates"), autoescape=True, undefined=StrictUndefined
    )
    pages.filters |= {
        "count": formatting.count,
        "moment": formatting.moment,
        "decision": lambda state: messages.label("approval_state", state),
        "field": messages.slip_field,
        "reason": lambda refusal: messages.error(refusal.code, {"found": refusal.found}),
    }
    return pages.get_template("printing/report.html").render(
        status=status,
        run=status.run,
        municipality=profile.name,
        state=messages.label("print_run_state", status.run.state),
        selection=selection_words(status, profile),
        read_back=read_back_words(status),
        names={file.file_no: file.name for file in status.files},
        differences_shown=_DIFFERENCES_SHOWN,
        replaced=replaced_ones,
    )


def selection_words(status: RunStatus, profile: Profile) -> list[tuple[str, str]]:
    """印刷の対象 as (label, value); what was left open is left out."""
    return [
        (messages.label("print_selection", name), _selection_value(name, value, profile))
        for name, value in status.run.selection.items()
        if value not in ("", None, False, "both", "postal")
    ]


def _selection_value(name: str, value: Any, profile: Profile) -> str:
    """One value of a selection as people say it."""
    if name == "item_code":
        return next((i.name for i in profile.items if i.item_code == value), str(value))
    if name in {"kinds", "order"}:
        return messages.label("print_selection_value", str(value))
    return "はい" if value is True else str(value)


def read_back_words(status: RunStatus) -> str:
    """読み戻しの方法 in words, with the seed of the sample."""
    kind, *values = choice_of(status.run).text.split(":")
    words = messages.label("print_read_back", kind)
    return words.format(*values)
