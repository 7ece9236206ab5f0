"""管理の画面: the settings of the body that one signed in to, and how two people change them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, send_file, url_for

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, RefusedError
from payments.domain.profile import profile_from_mapping
from payments.domain.reason import REASON_MAX, require_reason
from payments.store.municipalities import is_live, load_profile, set_live
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting, messages
from web.accounts.record import record
from web.admin import forms, parameters, toml
from web.admin.calendar import calendar_of
from web.admin.differences import CODES, change_row, differences
from web.admin.preview import preview
from web.approval_effects import LIVE, live_content
from web.approval_roles import require_asker
from web.duties import Do, can
from web.errors import status_of
from web.language import translated
from web.security import may, proven
from web.services import services
from web.texts import admin as words

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from payments.domain.profile import Profile

POLICIES = frozenset({"valid_until", "konbini_valid_until", "late_valid_until"})
FILE = "file"  # instead of a section: the whole profile as a file
FILE_BYTES_MAX = 4 << 20  # a profile with the pictures of its layouts

administering = Blueprint("admin", __name__, url_prefix="/staff/admin")


@administering.url_value_preprocessor
def _room_for_a_profile(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A whole profile is sent back and forth while it is being looked at."""
    request.max_content_length = FILE_BYTES_MAX
    request.max_form_memory_size = FILE_BYTES_MAX


@administering.get("")
@may(Do.READ_SETTINGS)
def show() -> str:
    """団体設定 in force, what waits to be, and what was decided before."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        profile = load_profile(connection, code)
        return render_template(
            "admin/show.html",
            profile=profile,
            sections=_sections(asdict(profile)),
            listed=CODES,
            live=is_live(connection, code),
            waiting=_asked(connection, code),
            scheduled=parameters.waiting_to_hold(connection, code, clock.today()),
            decided=parameters.decided(connection, code),
            today=clock.today(),
            may_change=can(g.user, Do.CHANGE_SETTINGS),
            reason_max=REASON_MAX,
            words=words,
        )


@administering.get("/edit")
@may(Do.CHANGE_SETTINGS)
@proven
def edit() -> str:
    """One section, or one entry of a section, as fields; an empty entry is a new one.

    Who begins shows who they are before anything is typed; another person decides about the end.
    """
    section, entry = request.args.get("section", forms.BODY), request.args.get("entry", "")
    code = services().municipality
    with reading(services().engine, code) as connection:
        before = asdict(parameters.newest(connection, code).profile)
    values = {} if section == FILE else forms.values_of(before, section, entry)
    return _form(before, section, entry, values)


@administering.post("/check")
@may(Do.CHANGE_SETTINGS)
def check() -> str | tuple[str, int]:
    """確認: what would change, before anybody asks for it; what was typed is kept."""
    section, entry = request.form.get("section", ""), request.form.get("entry", "")
    code = services().municipality
    with reading(services().engine, code) as connection:
        before = parameters.newest(connection, code).profile
        try:
            _require_proof()
            after = _sent(asdict(before), section, entry)
            parameters.content_of(connection, code, after, date.max)
        except KokinError as error:
            return _mended(asdict(before), section, entry, error), status_of(error)
    return _checked(before, after)


@administering.post("/ask")
@may(Do.CHANGE_SETTINGS)
def ask() -> BaseResponse | tuple[str, int]:
    """変更の依頼: another person decides about it."""
    require_asker(g.user, parameters.KIND)
    code = services().municipality
    after = profile_from_mapping(_posted_profile())
    try:
        _require_proof()
        effective_on = _effective_on()
        with unit_of_work(services().engine, code) as connection:
            approval = parameters.ask(
                connection, code, after, effective_on, asked_by=g.user.user_name, at=clock.now(),
                reason=request.form.get("reason", ""),
            )  # fmt: skip
            record(connection, "parameters_asked", str(approval.approval_id))
    except KokinError as error:
        with reading(services().engine, code) as connection:
            before = parameters.newest(connection, code).profile
        return _checked(before, after, error), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


@administering.post("/live")
@may(Do.CHANGE_SETTINGS)
@proven
def go_live() -> BaseResponse:
    """本番への切替の依頼: slips lose their 見本 when another person agrees."""
    require_asker(g.user, LIVE)
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        approval = approve.ask(
            connection, code, LIVE, f"municipality:{code}",
            live_content(load_profile(connection, code)), asked_by=g.user.user_name,
            at=clock.now(), reason=request.form.get("reason", ""),
        )  # fmt: skip
        record(connection, "live_asked", str(approval.approval_id))
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


@administering.post("/sample")
@may(Do.CHANGE_SETTINGS)
@proven
def print_sample() -> BaseResponse:
    """見本に戻す: what is printed from now on cannot be paid, so one person is enough."""
    reason = require_reason(request.form.get("reason", ""))
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        set_live(connection, code, live=False)
        record(connection, "sample_again", reason)
    return redirect(url_for("admin.show"), 303)


@administering.post("/slip")
@may(Do.CHANGE_SETTINGS)
def proposed_slip() -> Response:
    """見本の納付書 under the settings that are being looked at."""
    return _picture(profile_from_mapping(_posted_profile()), request.form.get("item_code", ""))


@administering.get("/slip/<item_code>")
@may(Do.READ_SETTINGS)
def slip(item_code: str) -> Response:
    """見本の納付書 under the settings in force."""
    return _picture(services().profile, item_code)


@administering.get("/file")
@may(Do.READ_SETTINGS)
def download() -> Response:
    """設定ファイル (TOML) of what is in force."""
    profile = services().profile
    name = f"profile-{profile.municipality_code}.toml"
    data = BytesIO(toml.written(profile).encode())
    return send_file(data, "application/toml", as_attachment=True, download_name=name, etag=False)


@administering.get("/calendar")
@may(Do.READ_SETTINGS)
def calendar() -> str:
    """営業日の暦 of a year."""
    year = request.args.get("year", clock.today().year, type=int)
    found = calendar_of(year)
    return render_template("admin/calendar.html", year=year, **found._asdict())


def _require_proof() -> None:
    """直前の本人確認, as :func:`web.security.proven` asks for it, but on the page itself.

    A whole profile is too much to be kept aside meanwhile: the page shows once more what was sent,
    and the proof is given on another. Raises :class:`RefusedError` ``proof_needed``.
    """
    current = g.staff_session
    if not (current.needs or current.is_proved(clock.now())):
        raise RefusedError("proof_needed")


def _file_sent() -> str:
    """設定ファイル as it was sent: as a file, or as text."""
    sent = request.files.get("file")
    text = ""
    if sent:
        sent.seek(0)
        text = sent.read().decode("utf-8-sig", "replace")
    return text or request.form.get("toml", "")


def _sent(before: dict[str, Any], section: str, entry: str) -> Profile:
    """The whole profile that was sent: a file, its text, or the fields of one section."""
    if section == FILE:
        return toml.read(_file_sent())
    if request.form.get("do") == "remove":
        return profile_from_mapping(forms.without(before, section, entry))
    return profile_from_mapping(forms.changed(before, section, entry, request.form))


def _mended(profile: dict[str, Any], section: str, entry: str, error: KokinError) -> str:
    """The form once more, with what was typed and what is wrong with it."""
    if section not in forms.SECTIONS:
        return _form(profile, FILE, "", {}, error, toml_text=_file_sent())
    typed = {field.name: request.form.get(field.name, "") for field in forms.SECTIONS[section]}
    return _form(profile, section, entry, typed, error)


def _form(
    profile: dict[str, Any],
    section: str,
    entry: str,
    values: dict[str, str],
    error: KokinError | None = None,
    toml_text: str = "",
) -> str:
    fields = forms.SECTIONS.get(section, ())
    wrong = str(error.details.get("field", "")).rpartition(".")[2] if error else ""
    return render_template(
        "admin/edit.html",
        section=section,
        entry=entry,
        listed=section in CODES,
        fields=fields,
        options={
            field.name: [(value, _option(section, field, value, profile)) for value in found]
            for field in fields
            if (found := forms.options(profile, field)) and field.kind == "choice"
        },
        values=values,
        error=_said(error, section),
        prove=_asks_proof(error),
        wrong=wrong,
        toml_text=toml_text,
        removable=bool(entry),
        words=words,
    )


def _option(section: str, field: forms.Field, value: str, profile: dict[str, Any]) -> str:
    """What a choice is called: 固定資産税 beside the code of its 科目."""
    names = {each["item_code"]: each["name"] for each in profile["items"]}
    if field.of == "items" and value:
        return f"{value} {names.get(value, '')}".strip()
    return translated(words.choice_word(section, field.name, value)) or "—"


def _checked(before: Profile, after: Profile, error: KokinError | None = None) -> str:
    """What would change, and the form that asks for it."""
    return render_template(
        "admin/check.html",
        changes=differences(asdict(before), asdict(after)),
        profile=after,
        profile_json=json.dumps(asdict(after), ensure_ascii=False),
        effective_on=request.form.get("effective_on", "") or clock.today().isoformat(),
        reason=request.form.get("reason", ""),
        reason_max=REASON_MAX,
        error=_said(error),
        prove=_asks_proof(error),
        change_row=change_row,
        words=words,
    )


def _posted_profile() -> dict[str, Any]:
    """The profile that the check page carries; raises ``profile_field`` when it is none."""
    try:
        found = json.loads(request.form.get("profile", ""))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidValueError("profile_field", reason=str(error)) from error
    if not isinstance(found, dict):
        raise InvalidValueError("profile_field", reason=type(found).__name__)
    return found


def _effective_on() -> date:
    """The day from which it shall hold: today or later. Raises ``parameters_day``."""
    sent = request.form.get("effective_on", "")
    try:
        day = date.fromisoformat(sent)
    except ValueError as error:
        raise InvalidValueError("parameters_day", found=sent, expected="YYYY-MM-DD") from error
    return parameters.require_to_come(day, clock.today())


def _picture(profile: Profile, item_code: str) -> Response:
    data = preview(profile, profile.item(item_code), clock.today())
    return send_file(BytesIO(data), "image/png", etag=False)


def _asked(connection: Connection, municipality_code: str) -> list[approve.Approval]:
    return approve.approvals(
        connection, municipality_code, state=approve.WAITING, kind=parameters.KIND
    )


def _sections(profile: dict[str, Any]) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Every section with its entries, each under its code, as people read them."""
    return {
        section: [
            (code, _row(section, fields, forms.values_of(profile, section, code)))
            for code in forms.entries(profile, section)
        ]
        for section, fields in forms.SECTIONS.items()
    }


def _row(section: str, fields: tuple[forms.Field, ...], values: dict[str, str]) -> dict[str, str]:
    return {field.name: _shown(section, field, values[field.name]) for field in fields}


def _shown(section: str, field: forms.Field, value: str) -> str:
    if field.kind == "yes":
        return translated(words.YES if value else words.NO)
    if field.name in POLICIES and value:
        return _policy(value)
    if field.kind == "number":
        return formatting.count(int(value), "")
    return translated(words.choice_word(section, field.name, value))


def _policy(policy: str) -> str:
    """支払期限の方針 as people say it (:mod:`payments.domain.valid_until`)."""
    word, _, value = policy.partition(":")
    month, _, day = value.partition("-")
    said = translated(words.POLICIES.get(word, policy))
    return said.format(count=value, month=month.lstrip("0"), day=day.lstrip("0"))


def _asks_proof(error: KokinError | None) -> bool:
    return error is not None and error.error_code == "proof_needed"


def _said(error: KokinError | None, section: str = "") -> str:
    """What is wrong, with a field by the name that the form gives it."""
    if error is None:
        return ""
    details = dict(error.details)
    name = str(details.get("field", "")).rpartition(".")[2]
    if any(name == field.name for field in forms.SECTIONS.get(section, ())):
        details["field"] = translated(words.field_word(section, name))
    return messages.error(error.error_code, details)
