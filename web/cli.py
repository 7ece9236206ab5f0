"""コマンド ``kokin``: the composition root of the command line."""

from __future__ import annotations

import os
from typing import Any

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from payments.domain.errors import KokinError
from web.commands import (
    aliases,
    approvals,
    arrivals,
    audit,
    backup,
    calc,
    cases,
    database,
    days,
    demo,
    doctor,
    events,
    evidence,
    files,
    holds,
    intake,
    jobs,
    keys,
    municipality,
    outage,
    outcomes,
    parameters,
    people,
    placing,
    registers,
    reports,
    sample,
    serve,
    setup,
    slip_desk,
    slip_handover,
    slips,
    suggesting,
    users,
    verify,
    years,
)
from web.commands.explain import why
from web.commands.session import Session, explain

OTHERS = 0o077  # every right of the group and of everybody else


class Kokin(click.Group):
    """The group of all commands: a foreseen error is one sentence, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of ours and an unusable database become exit code 1."""
        try:
            return super().invoke(ctx)
        except KokinError as error:
            click.echo(explain(error.error_code, error.details), err=True)
        except (OperationalError, ProgrammingError) as error:
            click.echo(explain("database_unusable", {"found": str(error.orig)}), err=True)
        finally:
            if isinstance(ctx.obj, Session):
                ctx.obj.close()
        return ctx.exit(1)


@click.group(cls=Kokin, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kokin", message="kokin %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """公金: 納付書・収納・消込を、円単位で照合します。

    設定は環境変数 KOKIN_HOME, KOKIN_DATABASE_URL, KOKIN_SECRET_KEY, KOKIN_MUNICIPALITY,
    KOKIN_INBOX, KOKIN_NOTIFICATION_KEYS で変えられます。
    """
    if ctx.obj is None:
        # Tax data are secret by law: whatever this process writes is for its own user alone.
        os.umask(OTHERS)
        ctx.obj = Session()


for command in (
    slip_desk.reissue,
    slip_desk.correct,
    slip_desk.revoke,
    slip_desk.show,
    slip_handover.upload_file,
    slip_handover.upload_accept,
    slip_handover.uploads_,
    slip_handover.runs,
    slip_handover.run,
    slip_handover.release,
):
    slips.slips.add_command(command)

for command in (placing.place, placing.undo, suggesting.suggest):
    cases.cases.add_command(command)

for command in (
    demo.demo,
    setup.init,
    sample.sample,
    registers.assessments,
    slips.slips,
    intake.intake,
    files.files,
    intake.reconcile,
    outcomes.outcomes,
    approvals.approvals,
    municipality.municipality,
    parameters.parameters,
    cases.cases,
    aliases.aliases,
    days.day,
    reports.reports,
    arrivals.arrivals,
    years.year,
    holds.holds,
    people.people,
    verify.verify,
    audit.audit,
    calc.calc,
    evidence.evidence,
    events.events,
    why,
    serve.serve,
    serve.schedule,
    jobs.jobs,
    backup.backup,
    backup.restore,
    users.user,
    keys.key,
    keys.notification,
    database.db,
    doctor.doctor,
    outage.outage,
):
    main.add_command(command)
