"""資料の画面: one file with what was found in it."""

from __future__ import annotations

from flask import Blueprint, render_template

from payments.store.unit_of_work import reading
from reconcile.file_view import show_file
from web import messages
from web.services import services

files = Blueprint("files", __name__, url_prefix="/staff/files")


@files.get("/<int:file_id>")
def show(file_id: int) -> str:
    """Status, findings with their places, and outcomes of one file."""
    with reading(services().engine, services().municipality) as connection:
        view = show_file(connection, services().municipality, file_id)
    return render_template("files/show.html", view=view, messages=messages)
