"""稼働確認: is the process alive, and can it work?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

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
    number, oldest_seconds = _waiting()
    waiting = {"waiting": number, "oldest_seconds": oldest_seconds}
    return jsonify(status="ready", notifications=waiting)


@health.get("/metrics")
def metrics() -> Response:
    """Figures for a monitoring system (Prometheus text format); nothing about anybody."""
    number, oldest_seconds = _waiting()
    figures = (
        ("kokin_municipalities", "Municipalities that are served", len(services().bodies)),
        ("kokin_notifications_waiting", "Notifications not yet booked", number),
        (
            "kokin_notifications_oldest_seconds",
            "Age of the oldest notification not yet booked",
            oldest_seconds,
        ),
    )
    lines = [
        f"# HELP {name} {said}\n# TYPE {name} gauge\n{name} {value}\n"
        for name, said, value in figures
    ]
    return Response("".join(lines), content_type="text/plain; version=0.0.4; charset=utf-8")


def _waiting() -> tuple[int, int]:
    """記帳待ち of all bodies: how many notifications, and for how many seconds the oldest."""
    found = [services().spool.waiting(body.code) for body in services().bodies]
    return sum(each.number for each in found), max(each.oldest_seconds for each in found)
