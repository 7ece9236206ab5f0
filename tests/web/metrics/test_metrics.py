"""The figures for monitoring: guarded, of nobody, and the same names as dashboard and alerts use."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from codebase import ROOT
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from payments.store.tables import JournalRow
from payments.store.unit_of_work import unit_of_work
from reconcile.journal import open_journal
from web import clock
from web.app import create_app
from web.jobs import history
from web.jobs.contract import JobResult, JobState
from web.jobs.locks import Lanes
from web.jobs.table import JOBS
from web.jobs.timing import Slot
from web.metrics import exposition, figures
from web.metrics.figures import read_figures
from web.notifications.routes import PATH

M = "99999"
TOKEN = "t" * 40
DASHBOARD = ROOT / "deploy" / "grafana" / "kokin.json"
ALERTS = ROOT / "deploy" / "prometheus" / "kokin-alerts.yml"
SUFFIXES = r"(_bucket|_sum|_count)$"


def _values(answer):
    """Every sample by name and labels."""
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_who_may_ask(client, city):
    assert client.get("/metrics").status_code == 200
    for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP"):
        assert client.get("/metrics", headers={name: "127.0.0.1"}).status_code == 404
    for address in ("192.0.2.7", "", "here"):
        found = client.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
        assert found.status_code == 404, address
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "::1"}).status_code == 200
    settings = city.settings.model_copy(update={"metrics_token": TOKEN})
    guarded = create_app(settings, city.engine).test_client()
    far = {"REMOTE_ADDR": "192.0.2.7"}
    for shown in ("", "Bearer", f"Bearer {TOKEN}x", TOKEN, "Bearer ü"):
        headers = {"Authorization": shown} if shown else {}
        assert guarded.get("/metrics", headers=headers).status_code == 404, shown
    answer = guarded.get(
        "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_overrides=far
    )
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")


def test_a_proxy_that_is_trusted_still_says_that_somebody_asks_from_outside(city):
    settings = city.settings.model_copy(update={"proxies": 1})
    behind = create_app(settings, city.engine).test_client()
    assert behind.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404


def test_requests_are_timed_by_the_template_of_their_route(client):
    client.get("/healthz")
    client.get("/help/")
    for wrong in ("/nowhere/a", "/nowhere/b", "/staff/cases/17"):
        client.get(wrong)
    found = _values(client.get("/metrics"))
    assert found["kokin_request_seconds_count", "/healthz"] == 1
    assert found["kokin_requests_total", "/healthz", "200"] == 1
    assert found["kokin_requests_total", "-", "404"] == 2
    assert ("kokin_request_seconds_count", "/staff/cases/<int:case_no>") in found
    assert not any("17" in label for key in found for label in key)
    assert exposition.SHORT_WAY == PATH


def test_an_unforeseen_error_is_counted(app, client, monkeypatch):
    def fail(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setitem(app.view_functions, "health.alive", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/healthz").status_code == 500
    found = _values(client.get("/metrics"))
    assert found["kokin_requests_total", "/healthz", "500"] == 1


def _run(engine, job, result, at):
    with unit_of_work(engine, M) as connection:
        run = history.begin(connection, M, job, Slot(at), "me", as_of_on=at.date())
        history.end(connection, M, run, result)


def test_what_is_late_lost_or_slow_is_told(books, monkeypatch):
    engine, now = books.engine, datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
    assert read_figures(engine, [M]).last_run == {}
    monkeypatch.setattr(clock, "now", lambda: now)
    _run(engine, "arrivals", JobResult(totals={"red": 2}), now)
    _run(engine, "backup", JobResult(), now)
    differs = JobResult(JobState.FAILED, {"differences": 3}, ("verify_differs",))
    _run(engine, "verify", differs, now)
    lanes = Lanes(engine, "me", beat_seconds=5, stale_seconds=60)
    assert lanes.hold(M, "books")
    monkeypatch.setattr(figures, "closed_books", lambda *_: (date(2026, 6, 1), 0))
    found = read_figures(engine, [M])
    lanes.release()
    assert (found.arrivals_overdue, found.verify_differences) == (2, 3)
    assert found.failing["verify"] == 1
    assert found.failing["backup"] == 0
    assert found.last_success.keys() == {"arrivals", "backup"}
    assert found.last_run["verify"] == now.timestamp()
    assert found.seconds == {"arrivals": 0.0, "backup": 0.0, "verify": 0.0}
    assert found.closed_until == datetime(2026, 6, 1, 15, tzinfo=UTC).timestamp()
    assert found.heartbeat == now.timestamp()
    assert (found.events_waiting, found.events_failed, found.events_due_at) == (0, 0, None)


def test_what_never_happened_is_as_old_as_the_books(books, monkeypatch):
    """A body that never closed, never saved and whose runner never ran makes the alerts fire."""
    engine, now = books.engine, datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    empty = read_figures(engine, [M])
    assert (empty.closed_until, empty.heartbeat, empty.last_run) == (None, None, {})
    with unit_of_work(engine, M) as connection:
        open_journal(connection, M, "correction", date(2026, 5, 29), "me")
        made_at = connection.execute(text("SELECT made_at FROM journal").columns(
            JournalRow.__table__.c.made_at
        )).scalar_one()  # fmt: skip
    since = (made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC)).timestamp()
    found = read_figures(engine, [M])
    first_day = datetime(2026, 5, 28, 15, tzinfo=UTC).timestamp()
    assert (found.closed_until, found.heartbeat) == (first_day, since)
    watched = dict.fromkeys(("reconcile", "verify", "backup"), since)
    assert found.last_run == found.last_success == watched

    # Beside a body that closes its days, the one that never did is the one that is told of.
    monkeypatch.setattr(
        figures, "closed_books", lambda _c, code: (None if code == M else date(2026, 6, 1), 0)
    )
    assert read_figures(engine, ["99998", M]).closed_until == first_day
    assert read_figures(engine, [M, "99998"]).closed_until == first_day
    assert read_figures(engine, ["99998", M]).last_run.keys() == {"reconcile", "verify"}


def test_a_runner_that_was_stopped_is_silent_too(books, monkeypatch):
    engine, now = books.engine, datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    lanes = Lanes(engine, "me", beat_seconds=5, stale_seconds=60)
    assert lanes.hold(M, "books")
    lanes.release()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=2))
    assert read_figures(engine, [M]).heartbeat == now.timestamp()
    other = Lanes(engine, "you", beat_seconds=5, stale_seconds=60)
    assert other.hold(M, "checks")
    assert read_figures(engine, [M]).heartbeat == (now + timedelta(hours=2)).timestamp()
    other.release()


def test_books_that_cannot_be_read_are_said_and_nothing_hides_behind_them(client, city):
    (city.settings.sqlite_file).rename(city.settings.sqlite_file.with_suffix(".away"))
    city.engine.dispose()
    found = _values(client.get("/metrics"))
    assert found["kokin_books_readable",] == 0
    assert found["kokin_disk_free_bytes",] > 0
    assert ("kokin_cases_open",) not in found


def test_no_figure_says_anything_about_anybody(client):
    labels = {label for key in _values(client.get("/metrics")) for label in key[1:]}
    jobs = {entry.code for entry in JOBS}
    others = labels - jobs
    assert not [each for each in others if M in each]
    assert all(re.fullmatch(r"[-\d.+Inf]+|/[\w/<>:.-]*|\d{3}", each) for each in others), others


def _named_in(path):
    return {re.sub(SUFFIXES, "", name) for name in re.findall(r"\bkokin_\w+", path.read_text())}


def _told(client):
    lines = client.get("/metrics").get_data(as_text=True)
    return set(re.findall(r"^# TYPE (kokin_\w+)", lines, re.MULTILINE))


def test_dashboard_and_alerts_name_figures_that_there_are_and_no_figure_is_left_out(client):
    client.get("/healthz")
    told = _told(client)
    shown = _named_in(DASHBOARD)
    assert shown == told
    assert _named_in(ALERTS) <= told
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 15


def test_every_alert_says_what_to_do():
    yaml = pytest.importorskip("yaml")
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [group["name"] for group in groups] == ["kokin-late", "kokin-losing", "kokin-slow"]
    for rule in rules:
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
        assert rule["annotations"].keys() == {"summary", "action"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
    assert len({rule["alert"] for rule in rules}) == len(rules)
    jobs = {entry.code for entry in JOBS}
    assert set(re.findall(r'job="(?!kokin")(\w+)"', ALERTS.read_text("utf-8"))) <= jobs
