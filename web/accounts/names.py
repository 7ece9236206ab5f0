"""職員の氏名: who somebody is, as people read it, from the name they sign in with."""

from __future__ import annotations

from flask import g

from payments.store.unit_of_work import reading
from web.accounts import staff
from web.services import services


def person(user_name: str | None) -> str:
    """``kaikei`` → 会計 花子（kaikei）; a name without a person behind it stays as it is."""
    if not user_name:
        return "—"
    if "people" not in g:
        with reading(services().engine, services().municipality) as connection:
            everybody = staff.everybody(connection, services().municipality)
        g.people = {user.user_name: user.display_name for user in everybody}
    display_name = g.people.get(user_name, "")
    same = display_name in {"", user_name}
    return user_name if same else f"{display_name}（{user_name}）"
