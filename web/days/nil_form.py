"""該当なしの登録: the form that the day and its arrivals share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, request

from payments.store.unit_of_work import unit_of_work
from web.accounts.record import record
from web.days.nil_reports import enter_nil_report, withdraw_nil_report
from web.services import services

if TYPE_CHECKING:
    from datetime import date


def enter_from_form(due_on: date) -> None:
    """該当なし報告 of the form that was sent; raises what ``enter_nil_report`` raises."""
    agent = request.form.get("agent", "")
    with unit_of_work(services().engine, services().municipality) as connection:
        enter_nil_report(
            connection,
            services().profile,
            agent,
            due_on,
            entered_by=g.user.user_name,
            note=request.form.get("note", ""),
        )
        record(connection, "nil_report", f"{agent} {due_on}")


def withdraw_from_form(due_on: date) -> None:
    """該当なし報告の取消 of the form; raises what ``withdraw_nil_report`` raises."""
    agent = request.form.get("agent", "")
    with unit_of_work(services().engine, services().municipality) as connection:
        withdraw_nil_report(
            connection,
            services().profile,
            agent,
            due_on,
            withdrawn_by=g.user.user_name,
            reason=request.form.get("reason", ""),
        )
        record(connection, "nil_report_withdrawn", f"{agent} {due_on}")
