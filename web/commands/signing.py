"""署名: the person behind a command that needs a person, with their own password."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from payments.domain.errors import RefusedError
from payments.store.unit_of_work import reading
from web.accounts import staff
from web.approval_roles import require_asker
from web.duties import ROLES, holds

if TYPE_CHECKING:
    from web.accounts.staff import StaffUser
    from web.commands.session import Session

PASSWORD = "KOKIN_PASSWORD"  # noqa: S105 - the name of a variable
# An auditor looks on and decides nothing.
DECIDING = frozenset(ROLES) - {"auditor"}
USER = click.option(
    "--user",
    "user_name",
    required=True,
    metavar="NAME",
    help=f"職員の利用者名。パスワードは {PASSWORD} または入力から読みます。",
)


def signed(session: Session, user_name: str, *, asks: str = "") -> str:
    """署名した職員: the name, once the password is right.

    ``asks``: the kind of approval that the person is about to ask for. Raises what :func:`signer`
    raises, and :class:`RefusedError` ``approval_role`` when their role may not ask for it.
    """
    person = signer(session, user_name)
    if asks:
        require_asker(person, asks)
    return person.user_name


def signer(session: Session, user_name: str) -> StaffUser:
    """署名した職員 with their role.

    The account of the operating system is no person in the sense of R10: two windows of one
    terminal are one person. Raises :class:`RefusedError` ``sign_in`` or ``forbidden_role``.
    """
    password = os.environ.get(PASSWORD)
    if password is None:
        password = click.prompt(f"{user_name} のパスワード", hide_input=True, err=True)
    with reading(session.engine, session.municipality) as connection:
        found = staff.authenticate(connection, session.municipality, user_name, password)
    if found is None:
        raise RefusedError("sign_in")
    if not holds(found, DECIDING):
        raise RefusedError("forbidden_role", user_name=found.user_name)
    return found
