"""A scripted day: what is logged, said or traced has no name, number or amount of anybody."""

from __future__ import annotations

import csv
import io
import logging
import os
import re
import shutil
import time
from datetime import datetime

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from signed_requests import URL, headers

from payments.store.unit_of_work import unit_of_work
from sample_data.city import generate
from web import clock, logs, tracing
from web.app import create_app
from web.jobs import history
from web.jobs.runner import Runner
from web.jobs.table import JOBS

M = "99999"
OURS = ("web", "reconcile", "payments", "qr")
AMOUNT_LEAST = 10_000  # shorter numbers are counts and times as well
NUMBER_LEAST = 6


@pytest.fixture
def log():
    """The log as the processes write it, ours from INFO on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(logs._name_body)
    handler.setFormatter(logging.Formatter(logs.FORMAT))
    loggers = [logging.getLogger(name) for name in OURS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield stream
    for logger, level in zip(loggers, before, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def spans():
    """Every span of the day, as an exporter would get it."""
    kept = InMemorySpanExporter()
    end = tracing.trace_to(SimpleSpanProcessor(kept), "day")
    yield kept
    end()


@pytest.fixture
def delivered(city, tmp_path):
    """Three days of the sample people's files, sound and spoilt, wait in the inbox."""
    folder = tmp_path / "new"
    generate.make(folder, obligors=120, days=3, seed=7, start=city.day)
    city.settings.inbox_settle_seconds = 0  # one look is enough
    inbox = city.settings.home / "inbox" / M
    inbox.mkdir(parents=True, exist_ok=True)
    arrived = time.time() - 3_600
    for number, path in enumerate(sorted((folder / "inbox").rglob("*.*"))):
        target = inbox / path.name
        shutil.copyfile(path, target)
        os.utime(target, (arrived + number, arrived + number))
    return folder


def _rows(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["amount_yen"]]  # no closing line


def _secrets(folder):
    """What must not be said: words of people, numbers of slips and people, amounts of bills."""
    words, numbers, amounts = set(), set(), set()
    for row in _rows(folder / "assessments.csv"):
        for text in (row["obligor_name"], row["obligor_kana"], row["address"]):
            # Whole names: half a reading stands in ordinary words as well.
            words |= {text, re.sub(r"[\s　]+", "", text)}
        numbers |= {row["notice_no"], row["obligor_no"]}
        amounts.add(int(row["amount_yen"]))
    for row in _rows(folder / "slips.csv"):
        numbers |= {row["slip_no"], row["case_key"], row["konbini_barcode"]}
        numbers.add(row["confirmation_no"])
        amounts.add(int(row["amount_yen"]))
    return (
        {word for word in words if len(word) > 2},
        {number for number in numbers if len(number) >= NUMBER_LEAST},
        {amount for amount in amounts if amount >= AMOUNT_LEAST},
    )


def _told(lines, folder):
    """Lines that say anything of it."""
    words, numbers, amounts = _secrets(folder)
    assert min(len(words), len(numbers), len(amounts)) > 50
    said = {text for amount in amounts for text in (f"{amount:,}", str(amount))}
    found = []
    for line in lines:
        digits = set(re.findall(r"[\d,]*\d", line)) | set(re.findall(r"[\w-]+", line))
        if any(word in line for word in words) or digits & (numbers | said):
            found.append(line)
    return found


def _run_every_job(city, say):
    runner = Runner(city.settings, city.engine, say)
    for entry in JOBS:
        assert runner.lanes.hold(M, entry.lane)
        with unit_of_work(city.engine, M) as connection:
            run_id = history.ask(connection, M, entry.code, actor="kaikei")
        runner.run_asked(M, run_id)
    runner.lanes.release()


def _ask_everything(city, treasurer, person, slip):
    """What people and programs send: right, wrong, and such that something breaks."""
    name = person["obligor_name"]
    treasurer.post("/staff/search", data={"number": name})
    treasurer.post("/staff/search", data={"number": person["obligor_no"]})
    treasurer.get("/staff/cases", query_string={"words": name})
    treasurer.get(f"/staff/slips/{slip['slip_no']}")
    stranger = create_app(city.settings, city.engine).test_client()
    stranger.post("/staff/sign-in", data={"user_name": name, "password": name})
    stranger.post("/", data={"number": slip["case_key"], "confirmation_no": "000000"})
    body = f'{{"payer": "{name}", "amount_yen": {slip["amount_yen"]}}}'.encode()
    stranger.post(URL, data=body, headers=headers("none", "s" * 40, body))
    stranger.post(URL, data=body, headers={"Content-Type": "application/json"})


def _shown(span):
    """What a span says, without its times: their digits are nobody's."""
    events = [(event.name, dict(event.attributes)) for event in span.events]
    status = (span.status.status_code.name, span.status.description)
    return f"{span.name} {dict(span.attributes)} {events} {status} {dict(span.resource.attributes)}"


def test_no_line_or_span_of_a_day_says_anything_about_anybody(
    city, delivered, treasurer, log, spans, monkeypatch
):
    said = []
    now = datetime(2026, 6, 3, 12, tzinfo=clock.JST)
    monkeypatch.setattr(clock, "now", lambda: now)
    _run_every_job(city, said.append)
    monkeypatch.undo()
    people, slips = _rows(delivered / "assessments.csv"), _rows(delivered / "slips.csv")
    _ask_everything(city, treasurer, people[0], slips[0])
    traced = spans.get_finished_spans()
    everything = [*said, *log.getvalue().splitlines(), *map(_shown, traced)]
    phases = {span.name.split()[0] for span in traced}
    assert phases >= {"job", "intake", "intake.match", "intake.normalise", "GET", "POST"}
    assert "signature refused" in log.getvalue()
    assert len(said) > 20
    assert sum(".csv" in line or ".txt" in line for line in said) > 5  # files were taken in
    assert _told(everything, delivered) == []
    # It would be seen: each kind of thing, in a line as any other.
    for secret in (people[3]["obligor_name"], slips[3]["case_key"], people[3]["obligor_no"]):
        assert _told([f"WARNING [99999] web: {secret}。"], delivered)
    most = max(int(row["amount_yen"]) for row in slips)
    assert _told([f"資料 1件 {most:,}円"], delivered)
