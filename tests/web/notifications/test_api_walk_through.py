"""docs/api.md and docs/examples/notify.py: what a sender copies from them works."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from browser import served
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.app import create_app
from web.notifications import keys
from web.notifications.pace import Pace

DOCS = Path(__file__).parents[3] / "docs"
KEY = "pay-1"
LONG = 300


@pytest.fixture
def service(city):
    """The service on a free port, with a key and a slip that nobody has paid."""
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", KEY, operator_name="見本決済")
    app = create_app(city.settings, city.engine)
    with served(app) as address:
        yield SimpleNamespace(address=address, secret=secret, app=app, city=city)
    app.extensions["kokin"].close()


@pytest.fixture
def example():
    """The example client, loaded from where it lies."""
    spec = importlib.util.spec_from_file_location("notify", DOCS / "examples" / "notify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _blocks(heading):
    """The shell blocks below a heading of the page."""
    page = (DOCS / "api.md").read_text("utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall("```sh\n(.*?)```", section, flags=re.DOTALL)


def _shell(script, folder, **environment):
    run = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script], cwd=folder, timeout=LONG,
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout


def _paid(number=1, **changes):
    return {
        "el_number": f"99999{number:020}123456901", "amount_yen": 100, "paid_on": "2026-06-02",
        "channel": "app", "operator_code": "A001", "transaction_id": f"T-{number}", **changes,
    }  # fmt: skip


def _received(service):
    with reading(service.city.engine, "99999") as connection:
        return connection.execute(
            text("SELECT COUNT(*) FROM source_file WHERE channel = 'notification'")
        ).scalar_one()


def test_the_walk_through_with_curl(service, tmp_path):
    sending, asking = _blocks("One notification, with curl")
    place = {"SERVER": service.address, "KEY": KEY, "SECRET": service.secret}
    said = _shell(f"{sending}\necho\n{asking.replace('signed GET', 'echo; signed GET')}",
                  tmp_path, **place)  # fmt: skip
    receipt, shown, found = (json.loads(line) for line in said.split("\n") if line)
    assert (receipt["id"], receipt["status"], receipt["outcome"]) == (
        "n-0001", "accepted", "recorded",
    )  # fmt: skip
    assert shown == receipt
    assert found == {"notifications": [receipt]}


def test_the_example_of_a_signature(tmp_path):
    (signing,) = _blocks("Signing")
    made = _shell(signing, tmp_path).split()[0]
    assert f"`{made}`" in (DOCS / "api.md").read_text("utf-8")


def test_the_example_client_from_the_command_line(service, tmp_path):
    (line,) = _blocks("From a program")
    (tmp_path / "body.json").write_text(json.dumps(_paid()), "utf-8")
    command = line.replace("docs/examples", str(DOCS / "examples")).replace(
        "python3", sys.executable
    )
    place = {"SERVER": service.address, "KEY": KEY, "SECRET": service.secret}
    first, again = (json.loads(_shell(command, tmp_path, **place)) for _ in range(2))
    assert first == again
    assert first["outcome"] == "unknown_slip"
    assert _received(service) == 1
    (tmp_path / "body.json").write_text(json.dumps(_paid(amount_yen=0)), "utf-8")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        _shell(command, tmp_path, **place)
    assert json.loads(refused.value.stderr)["code"] == "body_invalid"


def test_the_example_client(service, example):
    notifier = example.Notifier(service.address, KEY, service.secret, wait=pytest.fail)
    receipt = notifier.notify(_paid(1), "n-1")
    assert notifier.notify(_paid(1), "n-1") == receipt == notifier.show("n-1")
    results = notifier.notify_many(
        [_paid(2, notification_id="n-2"), _paid(3, notification_id="n-3", channel="pigeon")]
    )
    assert [result["status"] for result in results] == [202, 422]
    assert [found["id"] for found in notifier.find("T-2")] == ["n-2"]
    for ask, code in (
        (lambda: notifier.notify(_paid(9), "n-1"), "idempotency_conflict"),
        (lambda: notifier.show("n/9?"), "page_not_found"),
        (lambda: notifier.show("n-9"), "notification"),
    ):
        with pytest.raises(example.RefusedError) as refused:
            ask()
        assert refused.value.problem["code"] == code


def test_the_example_client_sends_again_until_it_is_answered(service, example, monkeypatch):
    waited = []
    notifier = example.Notifier(service.address, KEY, service.secret, wait=waited.append)
    whole = example.urllib.request.urlopen
    lost = [0]

    def lossy(request, timeout):
        lost[0] += 1
        if lost[0] == 1:
            raise ConnectionResetError  # before it arrives …
        answer = whole(request, timeout=timeout)
        if lost[0] == 2:
            answer.close()
            raise example.HTTPException  # … and behind that: the answer is lost
        return answer

    monkeypatch.setattr(example.urllib.request, "urlopen", lossy)
    assert notifier.notify(_paid(1), "n-1")["status"] == "accepted"
    assert waited == [1, 2]
    assert _received(service) == 1
    monkeypatch.setattr(example.urllib.request, "urlopen", whole)
    service.app.extensions["kokin"].settings.notifications_per_minute = 1
    service.app.extensions["kokin_gate"].pace = Pace()
    impatient = example.Notifier(
        service.address, KEY, service.secret, attempts=3, wait=waited.append
    )
    impatient.notify(_paid(1), "n-1")
    waited.clear()
    with pytest.raises(TimeoutError):
        impatient.notify(_paid(1), "n-1")
    assert len(waited) == 2
    assert waited[0] >= 1
