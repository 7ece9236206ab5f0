"""クラスタで走る文: what runs often names its municipality and stays on one side of a cluster.

Recorded are the booking of a notification, the day report and the answer to a resident (the intake
of files: isolation/test_first_wall). Citus sends such a statement whole to the one node that has the municipality.
"""

from __future__ import annotations

import json
from datetime import date

from first_wall import across_places, loose, statements

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report.period import day_report
from reconcile.status import slip_status
from web.notifications.receive import Desk
from web.notifications.spool import Spool

M = "99999"
DAY = date(2026, 6, 2)


def test_hot_statements_name_their_municipality_and_stay_on_one_node(city):
    spool = Spool(city.engine)
    body = {
        "el_number": "99999" + "9" * 20 + "123456901", "amount_yen": 500, "paid_on": "2026-06-02",
        "channel": "app", "operator_code": "0820", "transaction_id": "TX-cluster",
    }  # fmt: skip
    stories = {}
    with statements() as issued:
        desk = Desk(city.engine, spool, M, retry_seconds=0.01)
        desk.receive("pay-1", "n-cluster", json.dumps(body).encode())
        desk.close()
        stories["notification"] = set(issued)
    with statements() as issued, reading(city.engine, M) as connection:
        profile = load_profile(connection, M)
        day_report(connection, profile, DAY)
        stories["day report"] = set(issued)
    with statements() as issued, reading(city.engine, M) as connection:
        slip_status(connection, profile, "9" * 34, today=DAY)
        stories["status"] = set(issued)
    spool.close()
    for name, found in stories.items():
        assert found, name
        assert loose(found) == [], name
        assert across_places(found) == [], name
