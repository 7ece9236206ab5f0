"""本文の読取: the bytes of a request → notifications that may be taken in, and what is wrong.

What an operator sent is kept byte for byte: of a batch each notification is the piece of text that
it was. JSON is read strictly: UTF-8, no member twice, no NaN.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from web import clock, messages
from web.notifications.receive import Told
from web.notifications.schemas import BATCH_MAX, IDENTIFIER, ONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

ERRORS_MAX = 20
FOUND_MAX = 60
_IDENTIFIER = re.compile(IDENTIFIER)
# Control characters and halves of surrogate pairs: no answer could carry them.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LIST = "notifications"
_SPACE = "[ \t\n\r]*+"
_NAME = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_OPENED = re.compile(rf"{_SPACE}\{{{_SPACE}({_NAME}){_SPACE}:{_SPACE}\[{_SPACE}")
_BETWEEN = re.compile(rf"{_SPACE}([],]){_SPACE}")
_CLOSED = re.compile(rf"\}}{_SPACE}")
_KINDS = {  # mistake as pydantic names it → ours, what is expected
    "missing": ("member_missing", ""),
    "extra_forbidden": ("member_unknown", ""),
    "string_type": ("type_wrong", "string"),
    "int_type": ("type_wrong", "integer"),
    "model_type": ("not_an_object", ""),
    "model_attributes_type": ("not_an_object", ""),
    "string_unicode": ("value_wrong", "string"),
    "string_too_short": ("value_wrong", "at_least"),
    "string_too_long": ("value_wrong", "at_most"),
    "string_pattern_mismatch": ("value_wrong", "pattern"),
    "greater_than_equal": ("value_wrong", "from"),
    "less_than_equal": ("value_wrong", "until"),
    "literal_error": ("value_wrong", "choice"),
}


class Wrong(NamedTuple):
    """読めない通知: its id where it has one, the stable code, and each mistake."""

    notification_id: str
    body: bytes
    code: str
    errors: list[dict[str, str]]


class _NotJsonError(ValueError):
    """The code says what kind of text this is instead."""


def read(data: bytes, header: str | None) -> Told | Wrong | list[Told | Wrong]:
    """本文: one notification, or a list of those of a batch.

    ``header`` is the Idempotency-Key, None without one; a batch has no use for it.
    """
    try:
        text = data.decode("utf-8")
        pieces = _pieces(text)
        members = _DECODER.decode(text) if pieces is None else None
    except (ValueError, RecursionError) as error:
        code = str(error) if isinstance(error, _NotJsonError) else "not_json"
        known = header if header and _IDENTIFIER.fullmatch(header) else ""
        return Wrong(known, data, "body_invalid", [_mistake("", code)])
    if pieces is not None:
        return _batch(data, pieces)
    if isinstance(members, dict) and _LIST in members:
        return _no_batch(data, members)
    return _one(data, members, header, clock.today())


def _one(data: bytes, members: Any, header: str | None, today: date) -> Told | Wrong:
    """A single notification under its header, or under the id that it carries itself."""
    own = members.get("notification_id") if isinstance(members, dict) else None
    own = own if isinstance(own, str) and _IDENTIFIER.fullmatch(own) else ""
    if header is not None and _IDENTIFIER.fullmatch(header) is None:
        return Wrong("", data, "idempotency_key_invalid", [])
    if header and own and header != own:
        return Wrong(own, data, "idempotency_key_differs", [])
    errors = _errors(members, today)
    if errors:
        return Wrong(header or own, data, "body_invalid", errors)
    if not (header or own):
        return Wrong("", data, "idempotency_key_missing", [])
    return Told(header or own, data, members.get("transaction_id", ""))


def _batch(data: bytes, pieces: list[tuple[str, Any]]) -> Wrong | list[Told | Wrong]:
    """The notifications of a batch, each for itself."""
    errors = _list_errors(pieces)
    if errors:
        return Wrong("", data, "body_invalid", errors)
    found: list[Told | Wrong] = []
    today = clock.today()
    for piece, each in pieces:
        one = _one(piece.encode(), each, None, today)
        if isinstance(one, Wrong) and one.code == "idempotency_key_missing":
            missing = [_mistake("/notification_id", "member_missing")]
            one = one._replace(code="body_invalid", errors=missing)
        found.append(one)
    return found


def _no_batch(data: bytes, members: dict[str, Any]) -> Wrong:
    """An object that names notifications in the plural, and is no batch."""
    errors = [_mistake(_pointer((name,)), "member_unknown") for name in members.keys() - {_LIST}]
    return Wrong("", data, "body_invalid", [*errors, *_list_errors(members[_LIST])][:ERRORS_MAX])


def _list_errors(several: object) -> list[dict[str, str]]:
    """What is wrong with the list of a batch as a whole."""
    if not isinstance(several, list):
        return [_mistake(f"/{_LIST}", "type_wrong", _expected("array"), several)]
    if not 1 <= len(several) <= BATCH_MAX:
        said = _expected("items", minimum=1, maximum=BATCH_MAX)
        return [_mistake(f"/{_LIST}", "value_wrong", said, len(several))]
    return []


def _pieces(text: str) -> list[tuple[str, Any]] | None:
    """一度で読む: each element of a batch as the text that it was, and as its value.

    None of anything but an object whose only member is the list of notifications.
    """
    opened = _OPENED.match(text)
    if opened is None or json.loads(opened[1]) != _LIST:
        return None
    pieces: list[tuple[str, Any]] = []
    at, separator = opened.end(), ","
    if text.startswith("]", at):
        separator, at = "]", at + 1
    while separator == ",":
        value, end = _DECODER.raw_decode(text, at)
        pieces.append((text[at:end], value))
        between = _BETWEEN.match(text, end)
        if between is None:
            return None
        separator, at = between[1], between.end()
    return pieces if _CLOSED.fullmatch(text, at) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no member is named twice: which of the two would count?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJsonError("named_twice")
    return found


def _no_constant(_name: str) -> Any:
    raise _NotJsonError("not_json")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _errors(members: Any, today: date) -> list[dict[str, str]]:
    """What is wrong with the members of one notification; empty when nothing is."""
    try:
        ONE.validator.validate_python(members, context=today)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # The first place names which of the models was meant.
        return [
            _mistake(_pointer(each["loc"][1:]), *_what(each), each.get("input"))
            for each in found[:ERRORS_MAX]
        ]
    return []


def _what(error: Mapping[str, Any]) -> tuple[str, str]:
    """Our code for a mistake, and what was expected."""
    context = error.get("ctx", {})
    code, expected = _KINDS.get(error["type"], (error["type"], ""))
    if expected:
        return code, _expected(expected, **context)
    return code, str(context.get("expected", ""))


def _expected(name: str, **values: object) -> str:
    return messages.body_expected(name, values)


def _mistake(pointer: str, code: str, expected: str = "", found: object = None) -> dict[str, str]:
    """One mistake as the problem document carries it."""
    shown = "" if code == "member_missing" or found is None else _shown(found)
    detail = messages.body_error(code, expected)
    return {"pointer": pointer, "code": code, "detail": detail, "found": shown}


def _shown(found: object) -> str:
    """A value as far as it may be shown."""
    text = found if isinstance(found, str) else json.dumps(found, default=str)[: 4 * FOUND_MAX]
    return _UNFIT.sub("?", text[:FOUND_MAX])


def _pointer(place: Sequence[object]) -> str:
    """JSON Pointer (RFC 6901)."""
    names = (str(name).replace("~", "~0").replace("/", "~1") for name in place)
    return "".join(f"/{_UNFIT.sub('?', name[:FOUND_MAX])}" for name in names)
