"""``kokin slips issue``: what the command says before, during and after a print run (印刷)."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payments.domain.errors import InvalidValueError
from payments.print_runs import Selection, plan_totals, unfinished
from payments.store.unit_of_work import reading
from web import clock, formatting, messages
from web.commands.session import explain, pace, say_json
from web.printing.folder import READ_BACK, held
from web.printing.plan import Wish, plan_for, require_as_planned
from web.printing.run import GOING_ON, Shop, begin, carry_out, nothing_to_print, take_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from payments.print_runs import PrintRun
    from web.commands.session import Session
    from web.printing.folder import RunFolder
    from web.printing.status import RunStatus

TENTHS = 10
SHOWN = 10  # differences and refusals on the screen; all of them stand in read-back.csv


def issue_slips(session: Session, **options: Any) -> bool:
    """印刷する、続ける、または作り直す; whether every slip was printed and reads as it should."""
    selection = _selection(options)
    run_id = options["resume"] or options["again_run"]
    if run_id and ((options["resume"] and options["again_run"]) or selection != Selection()):
        raise InvalidValueError("print_choice")
    shop = Shop(
        session.engine,
        session.municipality,
        session.actor,
        _spoken(session) if options["verbose"] else session.progress,
        options["workers"],
        session.settings.secret().encode(),
    )
    if options["dry_run"]:
        _show_totals(session, shop, selection, as_json=options["as_json"])
        return True
    path = _folder(options["out"], shop, run_id)
    with held(path) as folder, _nobody_at_work(shop, path, options["resume"]):
        run = _run(shop, folder, selection, options)
        _tell_of_others(session, shop, run)
        with _telling_how_to_go_on(session, shop, run, folder):
            status = carry_out(shop, folder, run, expired_too=options["expired_too"])
    _show(session, status, options["out"] or folder.path, as_json=options["as_json"])
    return status.good


def _selection(options: dict[str, Any]) -> Selection:
    """印刷の対象 from the options of the command."""
    chosen = {f.name: options[f.name] for f in fields(Selection) if f.name in options}
    for name in ("due_from", "due_to"):
        chosen[name] = chosen[name].date() if chosen[name] else None
    return Selection(**chosen)


def _folder(out: Path | None, shop: Shop, run_id: int | None) -> Path:
    """The folder of the command, or the one that the run was planned for."""
    if out is not None:
        return out.absolute()
    if run_id is None:
        raise InvalidValueError("print_out_missing")
    return Path(shop.run(run_id).folder)


@contextlib.contextmanager
def _nobody_at_work(shop: Shop, path: Path, resumed: int | None) -> Iterator[None]:
    """A run that is taken up in another folder must not be at work in its first one."""
    first = path if resumed is None else Path(shop.run(resumed).folder)
    if first == path or not first.is_dir():
        yield
        return
    with held(first):
        yield


def _run(shop: Shop, folder: RunFolder, selection: Selection, options: dict[str, Any]) -> PrintRun:
    """The run to carry out: a new one, the one left here, or the one that was named."""
    wish = Wish(options["pages_per_file"], options["read_back"], options["layout"])
    run_id = options["resume"] or options["again_run"]
    if run_id:
        require_as_planned(shop.run(run_id), wish)
        return take_up(shop, folder, run_id, ended=not options["resume"])
    with reading(shop.engine, shop.municipality_code) as connection:
        plan = plan_for(connection, shop.municipality_code, folder.path, wish)
    run = begin(shop, folder, selection, plan)
    require_as_planned(run, wish)
    return run


def _tell_of_others(session: Session, shop: Shop, run: PrintRun) -> None:
    """Say which other runs are unfinished: what they hold is not printed here."""
    with reading(shop.engine, shop.municipality_code) as connection:
        others = unfinished(connection, shop.municipality_code)
    for other in others:
        if other.run_id != run.run_id:
            words = f"途中の印刷 {other.run_id} の {other.slips:,}枚は、この印刷に含みません"
            session.err.print(f"{words}: {other.folder}", markup=False)


@contextlib.contextmanager
def _telling_how_to_go_on(
    session: Session, shop: Shop, run: PrintRun, folder: RunFolder
) -> Iterator[None]:
    """Say which run it is that stopped, whatever stopped it."""
    try:
        yield
    except BaseException:
        if shop.run(run.run_id).state in GOING_ON:
            command = f"kokin slips issue --resume {run.run_id} --out {folder.path}"
            session.err.print(f"印刷 {run.run_id} は途中です。続けるには: {command}", markup=False)
        raise


def _spoken(session: Session) -> Callable[..., contextlib.AbstractContextManager[Any]]:
    """進捗 as plain lines, for a log: one at each tenth of the way."""

    @contextlib.contextmanager
    def phase(
        label: str, total: int | None = None, *, begun: int = 0
    ) -> Iterator[Callable[[int], None]]:
        started, told = time.monotonic(), begun

        def show(done: int) -> None:
            nonlocal told
            if total and (done - told) * TENTHS >= total:
                told = done
                words = pace(done - begun, total, begun, time.monotonic() - started)
                said = " ".join((label, f"{done:,}/{total:,}", *words))
                session.err.print(said, markup=False)

        yield show

    return phase


def _show_totals(session: Session, shop: Shop, selection: Selection, *, as_json: bool) -> None:
    """印刷の見積り: slips and yen by item and kind; raises as the run itself would."""
    with reading(shop.engine, shop.municipality_code) as connection:
        day = clock.today()
        totals = plan_totals(connection, shop.municipality_code, selection, on=day)
    if not totals:
        raise nothing_to_print(shop)
    if as_json:
        say_json([asdict(total) for total in totals])
        return
    profile = shop.profile()
    names = {item.item_code: item.name for item in profile.items}
    for total in totals:
        kind = messages.label("print_selection_value", "whole" if total.whole_year else "term")
        name = names.get(total.item_code, total.item_code)
        figures = f"{formatting.count(total.slips, '枚')} {formatting.yen(total.amount_yen)}"
        session.out.print(f"{name} {kind}: {figures}", markup=False)
    slips = formatting.count(sum(total.slips for total in totals), "枚")
    amount = formatting.yen(sum(total.amount_yen for total in totals))
    session.out.print(f"計 {slips} {amount}（まだ何も印刷していません）", markup=False)


def _show(session: Session, status: RunStatus, folder: Path, *, as_json: bool) -> None:
    """印刷の結果 for a program or a person."""
    names = {file.file_no: file.name for file in status.files if file.name}
    if as_json:
        say_json(
            status.as_dict()
            | {"folder": str(folder.absolute()), "files": list(names.values())}
            | {"run": status.run.run_id, "state": status.run.state}
        )
        return
    say = session.out.print
    run = status.run
    say(f"{status.pages:,}枚を印刷し、読み戻しました: {folder}", markup=False)
    state = messages.label("print_run_state", run.state)
    say(f"印刷 {run.run_id} {state} ファイル {len(names):,}個 報告 report.html", markup=False)
    for difference in status.differences[:SHOWN]:
        place = f"{names[difference.file_no]} {difference.page}ページ {difference.slip_no}"
        values = f"印刷「{difference.printed}」 正「{difference.expected}」"
        say(f"相違 {place} {difference.field}: {values}", markup=False)
    for refusal in status.refusals[:SHOWN]:
        reason = explain(refusal.code, {"found": refusal.found})
        slip = refusal.slip_no or f"{refusal.notice_no}/{refusal.term}"
        say(f"印刷せず {slip} {refusal.field}: {reason}", markup=False)
    if max(len(status.differences), len(status.refusals)) > SHOWN:
        found = f"相違 {len(status.differences):,}か所 印刷せず {len(status.refusals):,}枚"
        say(f"計 {found}。すべては {folder / READ_BACK} にあります。", markup=False)
