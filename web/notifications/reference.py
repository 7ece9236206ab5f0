"""APIの説明の頁: the description of the interface arranged for reading; nothing is added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from web import messages
from web.language import translate as _
from web.notifications.openapi import CODES, PATH
from web.texts.api import ABOUT, EXAMPLES, MODELS, PAGE, SIGNING, TITLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHOWN = ("UnifiedPayment", "UnifiedConfirmation", "KonbiniPayment", "KonbiniConfirmation",
          "Batch", "Receipt", "Results", "Result", "Found", "Problem", "BodyError",
          "Finding")  # fmt: skip


class Member(NamedTuple):
    """項目."""

    name: str
    form: str
    required: bool
    said: str


class Model(NamedTuple):
    """形: a body or a part of one."""

    name: str
    label: str
    members: list[Member]


class Operation(NamedTuple):
    """呼出し."""

    method: str
    path: str
    summary: str
    parameters: list[Member]
    responses: list[tuple[str, str, tuple[str, ...]]]


class Code(NamedTuple):
    """問題の符号."""

    code: str
    status: str
    said: str


class Reference(NamedTuple):
    """頁の中身."""

    title: str
    about: list[str]
    signing: list[str]
    words: Mapping[str, str]
    examples: Mapping[str, str]
    operations: list[Operation]
    models: list[Model]
    codes: list[Code]


def reference(document: Mapping[str, Any]) -> Reference:
    """The page about the interface, from its description."""
    schemas = document["components"]["schemas"]
    return Reference(
        _(TITLE),
        _(ABOUT).split("\n"),
        _(SIGNING).split("\n"),
        PAGE,
        {name: text.replace("{path}", PATH) for name, text in EXAMPLES.items()},
        [
            _operation(method, path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ],
        [_model(name, schemas[name]) for name in _SHOWN],
        [
            Code(code, status, messages.error(code, {"notification_id": "…"}))
            for status, codes in CODES.items()
            for code in codes
        ],
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    parameters = [
        Member(each["name"], _form(each["schema"]), each["required"], each["description"])
        for each in operation["parameters"]
    ]
    responses = [
        (status, response["description"], CODES.get(status, ()))
        for status, response in sorted(operation["responses"].items())
    ]
    return Operation(method.upper(), path, operation["summary"], parameters, responses)


def _model(name: str, schema: Mapping[str, Any]) -> Model:
    required = schema.get("required", ())
    members = [
        Member(member, _form(form), member in required, form.get("description", ""))
        for member, form in schema["properties"].items()
    ]
    return Model(name, MODELS[name], members)


def _form(schema: Mapping[str, Any]) -> str:
    """What a value looks like, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " / ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return _joined([PAGE["array"], _range(schema, "minItems", "maxItems")])
    bounds = _range(schema, "minimum", "maximum") or _range(schema, "minLength", "maxLength")
    return _joined([PAGE[schema["type"]], bounds, schema.get("pattern", "")])


def _range(schema: Mapping[str, Any], least: str, most: str) -> str:
    if least not in schema and most not in schema:
        return ""
    return f"{schema.get(least, '')}〜{schema.get(most, '')}"


def _joined(parts: Iterable[str]) -> str:
    return " ".join(part for part in parts if part)
