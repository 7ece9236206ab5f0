"""稼働確認: is the process alive, and can it work?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from payments.store.unit_of_work import reading
from web.database import current_revision, head_revision
from web.errors import answer
from web.services import services

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
def ready() -> Response:
    """The database is there, at the right revision, with a municipality in it."""
    if current_revision(services().engine) != head_revision():
        return answer("not_ready", 503)
    with reading(services().engine, services().municipality):
        return jsonify(status="ready")
