"""診断: everything the installation needs, each checked and named."""

from __future__ import annotations

import importlib
import os
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from payments.domain.errors import ConfigurationError, KokinError
from payments.store.municipalities import bodies
from payments.store.personal import columns_pending
from payments.store.roles import lacking_rights, owned_by, unheld_role
from payments.store.unit_of_work import reading
from web import clock, doctor_machine, formatting, messages
from web.commands.session import choose_municipality, listed
from web.database import (
    current_revision,
    head_revision,
    lacking_indexes,
    open_books,
    require_evidence_keys,
)
from web.events.addresses import Reach, UnreachableError, require_permitted
from web.inbox.folders import markers_of, places
from web.jobs.contract import JobState
from web.jobs.history import last_runs
from web.jobs.locks import is_hung, leases_of
from web.jobs.table import JOBS
from web.notifications.keys import require_open
from web.notifications.outlook import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Engine

    from payments.store.municipalities import Body
    from web.config import Settings

PACKAGES = ("payments", "qr", "reconcile", "sample_data", "web")
DISTRIBUTION = "kokin"
STUCK_MINUTES = 30
SHOWN_RIGHTS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """診断の一行: ``problem`` is empty when all is well."""

    code: str
    label: str
    problem: str = ""
    note: str = ""  # what is worth knowing although all is well

    @property
    def ok(self) -> bool:
        """Whether this part is as it should be."""
        return not self.problem


def examine(settings: Settings, wrong: Iterable[KokinError] = ()) -> Iterator[Finding]:
    """Every part in turn; one that is broken never hides the next.

    ``wrong``: settings that could not be used. What several parts break on is told once.
    """
    for error in wrong:
        problem = messages.error(error.error_code, error.details)
        yield Finding(error.error_code, "設定の値", problem)
    said: dict[str, str] = {}
    for finding in _examine(settings):
        before = said.setdefault(finding.problem, finding.label)
        if finding.problem and before != finding.label:
            again = messages.error("doctor_before", {"found": before})
            yield replace(finding, problem=again)
        else:
            yield finding


def _examine(settings: Settings) -> Iterator[Finding]:
    """Every part with what is wrong about it."""
    parts: tuple[tuple[str, str, Callable[[Settings], str | None]], ...] = (
        ("settings", "設定の名前", doctor_machine.names),
        ("packages", "パッケージ名の衝突がない", _packages),
        ("zbar", "記号の読取り（zbar）", _zbar),
        ("fonts", "日本語フォント", _fonts),
        ("secret_key", "秘密鍵", _secret),
        ("database", "データベース", _database),
        ("municipality", "団体", _municipality),
        ("separation", "団体の分離（データベースの役割）", _separation),
        ("rights", "データベースの権限", _rights),
        ("inbox", "受信フォルダ", _inbox),
        ("folders", "書出し先のフォルダ", doctor_machine.folders),
        ("disk", "ディスクの空き", doctor_machine.disk),
        ("clock", "時計", doctor_machine.machine_clock),
        ("evidence_keys", "証拠と個人情報の暗号化の鍵", _evidence_keys),
        ("notification_keys", "通知用の鍵", _keys),
        ("notifications", "記帳を待つ納付通知", _notifications),
        ("jobs", "定時処理", _jobs),
        ("notices", "お知らせの送り先", _notices),
    )
    for code, label, check in parts:
        try:
            note = check(settings) or ""
        except KokinError as error:
            yield Finding(code, label, messages.error(error.error_code, error.details))
        except OSError as error:
            path = error.filename or settings.home
            found = {"path": str(path), "found": error.strerror or str(error)}
            yield Finding(code, label, messages.error("home", found))
        except SQLAlchemyError as error:
            text = str(getattr(error, "orig", None) or error)
            yield Finding(code, label, messages.error("database_unusable", {"found": text}))
        else:
            yield Finding(code, label, note=note)


def _packages(_settings: Settings) -> None:
    """The generic names are ours: no other distribution owns them, and all lie in one place."""
    owners = packages_distributions()
    home = Path(__file__).resolve().parent.parent
    for name in PACKAGES:
        others = {owner for owner in owners.get(name, ()) if owner != DISTRIBUTION}
        if others:
            raise ConfigurationError("package_owner", name=name, found=", ".join(sorted(others)))
        place = Path(str(importlib.import_module(name).__file__)).resolve().parent.parent
        if place != home:
            raise ConfigurationError("package_place", name=name, found=str(place))


def _zbar(_settings: Settings) -> None:
    try:
        importlib.import_module("pyzbar.pyzbar")
    except ImportError as error:
        raise ConfigurationError("zbar_missing") from error


def _fonts(_settings: Settings) -> None:
    from qr.layout.fonts import load_fonts  # noqa: PLC0415 - loads the PDF library

    load_fonts()


def _secret(settings: Settings) -> None:
    settings.secret()


def _database(settings: Settings) -> None:
    """Reachable, migrated to the newest revision, and writable."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        raise ConfigurationError("database_missing", path=str(file))
    if file is not None and not os.access(file, os.W_OK):
        raise ConfigurationError("output_unwritable", path=str(file), found="")
    engine = open_books(settings)
    try:
        revision = current_revision(engine)
        if revision != head_revision():
            raise ConfigurationError("database_version", found=str(revision))
        if lacking_here := lacking_indexes(engine):
            raise ConfigurationError("database_index", found="、".join(lacking_here))
    finally:
        engine.dispose()


def _municipality(settings: Settings) -> str:
    """At least one is served; several are named."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        raise ConfigurationError("database_missing", path=str(file))
    engine = open_books(settings)
    try:
        served = _served(engine, settings)
    finally:
        engine.dispose()
    return listed(served) if len(served) > 1 else ""


def _served(engine: Engine, settings: Settings) -> list[Body]:
    """団体 that the settings mean: the one that they name, or all that are served."""
    with reading(engine) as connection:
        everybody = bodies(connection)
    served = [body for body in everybody if not body.disabled]
    if settings.municipality or not served:
        named = choose_municipality(engine, settings)  # says what is wrong where there is none
        return [body for body in everybody if body.code == named]
    return served


def _separation(settings: Settings) -> None:
    """The role is one that row-level security holds; on SQLite there are no roles."""
    if settings.sqlite_file is not None:
        return
    engine = open_books(settings)
    try:
        with engine.connect() as connection:
            if found := unheld_role(connection):
                raise ConfigurationError("database_role_free", found=found)
    finally:
        engine.dispose()


def _rights(settings: Settings) -> str:
    """The role has every right that the service needs, also on what the last upgrade has made."""
    if settings.sqlite_file is not None:
        return ""
    engine = open_books(settings)
    try:
        with engine.connect() as connection:
            if owner := owned_by(connection):
                return f"表の所有者 {owner}（権限を減らした役割は kokin db roles）"
            if lacking := lacking_rights(connection):
                found = "、".join(lacking[:SHOWN_RIGHTS])
                raise ConfigurationError("database_rights", found=found, number=len(lacking))
    finally:
        engine.dispose()
    return ""


def _inbox(settings: Settings) -> None:
    """Every folder that files appear in can be cleared, and every marker is well written."""
    markers_of(settings)
    base = settings.inbox_folder
    codes = [folder.name for folder in sorted(base.glob("[0-9]" * 5)) if folder.is_dir()]
    below = [place.folder for code in codes for place in places(settings, code, alone=False)]
    for folder in (base, *(folder for folder in below if folder.is_dir())):
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
                pass
        except OSError as error:
            raise ConfigurationError("inbox_unwritable", path=str(folder)) from error


def _evidence_keys(settings: Settings) -> str:
    """Every key that something was sealed with is there and is the right one; what is in clear."""
    newest = require_evidence_keys(settings).newest
    said = formatting.encryption(newest)
    file = settings.sqlite_file
    if not newest or (file is not None and not file.exists()):
        return said
    engine = open_books(settings)
    try:
        with reading(engine) as connection:
            codes = [body.code for body in bodies(connection)]
        pending = 0
        for code in codes:
            with reading(engine, code) as connection:
                pending += columns_pending(connection, code)
    finally:
        engine.dispose()
    if pending:
        said += f"、まだこの鍵でない住所など {pending:,}件（kokin evidence rekey）"
    return said


def _keys(settings: Settings) -> None:
    """The keys of the environment are well written, and the secrets of all others open."""
    settings.named_keys()
    file = settings.sqlite_file
    if file is not None and not file.exists():
        return  # That the database is missing has been said.
    engine = open_books(settings)
    try:
        for body in _served(engine, settings):
            with reading(engine, body.code) as connection:
                require_open(connection, settings, body.code)
    finally:
        engine.dispose()


def _notifications(settings: Settings) -> str:
    """How many notifications wait; longer than an import takes is too long."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        return ""  # That the database is missing has been said.
    engine = open_books(settings)
    try:
        found = [waiting(engine, body.code) for body in _served(engine, settings)]
    finally:
        engine.dispose()
    number = sum(each.number for each in found)
    oldest_seconds = max(each.oldest_seconds for each in found)
    minutes = oldest_seconds // 60
    if minutes >= STUCK_MINUTES:
        raise ConfigurationError("notifications_stuck", number=number, minutes=minutes)
    return formatting.waiting_notifications(number, oldest_seconds)


def _jobs(settings: Settings) -> str:
    """Whoever runs the jobs has been heard of lately, and no job has failed and stayed so."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        return ""  # That the database is missing has been said.
    engine = open_books(settings)
    try:
        failing, running = [], False
        for body in _served(engine, settings):
            with reading(engine, body.code) as connection:
                leases = leases_of(connection, body.code).values()
                last = last_runs(connection, body.code, [entry.code for entry in JOBS])
            for lease in leases:
                # A sign from an hour to come was given by a clock that was wrong.
                silence = abs(clock.now() - lease.heartbeat_at)
                if lease.released_at is None and silence > timedelta(minutes=STUCK_MINUTES):
                    minutes = silence // timedelta(minutes=1)
                    hung = is_hung(engine, body.code, lease.lane)
                    code = "jobs_hung" if hung else "jobs_silent"
                    raise ConfigurationError(code, found=lease.holder, minutes=minutes)
                running = running or lease.released_at is None
            failing += [
                f"{messages.label('job', run.job)} {body.code}"
                for run in last.values()
                if run.state == JobState.FAILED
            ]
    finally:
        engine.dispose()
    if failing:
        raise ConfigurationError("jobs_failing", found="、".join(failing))
    return "" if running else "動いていません"


def _notices(settings: Settings) -> None:
    """Whoever is to be told by mail or webhook can be told."""
    reach = Reach.of(settings)
    for code, recipients in sorted(settings.notices.items()):
        if recipients.mail and not settings.smtp_host:
            raise ConfigurationError("notices_smtp", found=code)
        try:
            if recipients.webhook:
                require_permitted(reach, recipients.webhook)
        except UnreachableError as error:
            reason = messages.label("delivery_reason", error.reason)
            raise ConfigurationError("notices_webhook", municipality=code, found=reason) from error
