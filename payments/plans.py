"""分納: agreed partial payments of instalments, each with a slip of its own.

A plan is kept until an event ends it: broken (a part was not paid in time), ended (everything is
paid) or cancelled. It changes no claim.
"""

from __future__ import annotations


def kept_plan(alias: str = "a") -> str:
    """分納中: a condition on instalment ``alias`` for the day ``:planned_on`` (ISO text).

    True from the day on which a plan over it was agreed until the day before it was broken, ended
    or cancelled. Binds ``:m``, too.
    """
    return f"""EXISTS (SELECT 1 FROM payment_plan_part ppp
        JOIN payment_plan_event ppa ON ppa.municipality_code = :m AND ppa.plan_no = ppp.plan_no
            AND ppa.event = 'agreed' AND ppa.happened_on <= :planned_on
        WHERE ppp.municipality_code = :m AND ppp.notice_id = {alias}.notice_id
        AND ppp.term = {alias}.term
        AND NOT EXISTS (SELECT 1 FROM payment_plan_event ppe WHERE ppe.municipality_code = :m
            AND ppe.plan_no = ppp.plan_no AND ppe.event_no > 1
            AND ppe.happened_on <= :planned_on))"""
