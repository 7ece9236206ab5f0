"""コマンド ``kokin``: the composition root of the command line."""

from __future__ import annotations

import contextlib
import os
from importlib import import_module
from typing import Any

import click
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from payments.domain.errors import KokinError
from web.commands.session import Session, explain
from web.config import examined_settings

# Where each command is: only the one that is asked for is loaded, for whoever waits for it.
COMMANDS = {
    "accounting": "accounting.accounting",
    "aliases": "aliases.aliases",
    "approvals": "approvals.approvals",
    "arrivals": "arrivals.arrivals",
    "assessments": "registers.assessments",
    "audit": "audit.audit",
    "backup": "backup.backup",
    "calc": "calc.calc",
    "cases": "cases.cases",
    "charges": "charges.charges",
    "day": "days.day",
    "db": "database.db",
    "certificates": "certificates.certificates",
    "debit": "debit.debit",
    "demo": "demo.demo",
    "doctor": "doctor.doctor",
    "dunning": "dunning.dunning",
    "events": "events.events",
    "evidence": "evidence.evidence",
    "explain": "explain.why",
    "files": "files.files",
    "holds": "holds.holds",
    "init": "setup.init",
    "intake": "intake.intake",
    "jobs": "jobs.jobs",
    "key": "keys.key",
    "municipality": "municipality.municipality",
    "notification": "keys.notification",
    "outage-page": "outage.outage",
    "outcomes": "outcomes.outcomes",
    "parameters": "parameters.parameters",
    "people": "people.people",
    "reconcile": "intake.reconcile",
    "refunds": "refunds.refunds",
    "registers": "mapping.registers",
    "reports": "reports.reports",
    "restore": "backup.restore",
    "retention": "retention.retention",
    "sample": "sample.sample",
    "schedule": "serve.schedule",
    "serve": "serve.serve",
    "slips": "slips.slips",
    "statistics": "statistics.statistics",
    "user": "users.user",
    "verify": "verify.verify",
    "year": "years.year",
}
# Commands of a group that are in modules of their own.
PARTS = {
    "refunds": tuple(
        f"refund_bank.{name}"
        for name in ("batch", "batches_", "release_", "file_", "match", "returned", "payee")
    ),
    "db": ("moving.move_",),
    "cases": ("placing.place", "placing.undo", "suggesting.suggest"),
    "slips": (
        "slip_desk.reissue",
        "slip_desk.correct",
        "slip_desk.revoke",
        "slip_desk.show",
        "slip_handover.upload_file",
        "slip_handover.upload_accept",
        "slip_handover.uploads_",
        "slip_handover.runs",
        "slip_handover.run",
        "slip_handover.release",
    ),
}
# Gone, not ours, without its tables, or one that only reads, such as a standby (InternalError).
UNUSABLE = (OperationalError, ProgrammingError, InternalError, InterfaceError)
OTHERS = 0o077  # every right of the group and of everybody else


class Kokin(click.Group):
    """The group of all commands: a foreseen error is one sentence, never a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command by name."""
        return sorted({*COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with all that belongs to it, loaded when it is first asked for."""
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            command = _load(COMMANDS[cmd_name])
            for part in PARTS.get(cmd_name, ()):
                command.add_command(_load(part))
            self.add_command(command, cmd_name)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of ours and an unusable database become exit code 1."""
        try:
            return super().invoke(ctx)
        except KokinError as error:
            click.echo(explain(error.error_code, error.details), err=True)
        except UNUSABLE as error:
            click.echo(_unusable(ctx.obj, error), err=True)
        finally:
            if isinstance(ctx.obj, Session):
                ctx.obj.close()
        return ctx.exit(1)


def _unusable(session: object, error: DBAPIError) -> str:
    """What is wrong with the database: that it is of another release, where that can be told."""
    from web.database import current_revision, head_revision  # noqa: PLC0415 - rarely needed

    with contextlib.suppress(KokinError, SQLAlchemyError):
        if isinstance(session, Session) and error.statement:  # It answers, but otherwise.
            found = current_revision(session.engine)
            if found != head_revision():
                return explain("database_version", {"found": str(found)})
    return explain("database_unusable", {"found": str(error.orig)})


def _load(place: str) -> Any:
    """The command at ``module.name`` of :mod:`web.commands`."""
    module, _dot, name = place.partition(".")
    return getattr(import_module(f"web.commands.{module}"), name)


@click.group(cls=Kokin, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kokin", message="kokin %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """公金: 納付書・収納・消込を、円単位で照合します。

    設定は環境変数 KOKIN_HOME, KOKIN_DATABASE_URL, KOKIN_SECRET_KEY, KOKIN_MUNICIPALITY,
    KOKIN_INBOX などで、または KOKIN_SETTINGS_FILE の示すファイルで変えられます。
    """
    if ctx.obj is None:
        # Tax data are secret by law: whatever this process writes is for its own user alone.
        os.umask(OTHERS)
        settings, wrong = examined_settings()
        if wrong and ctx.invoked_subcommand != "doctor":  # It says what else is wrong, too.
            for error in wrong:
                click.echo(explain(error.error_code, error.details), err=True)
            ctx.exit(1)
        ctx.obj = Session(settings, tuple(wrong))
