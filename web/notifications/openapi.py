"""OpenAPI 3.1: the interface as data, made from the models that validate it.

Nothing of a body is written down here a second time: what a member is called, what it may hold and
what it means comes from :mod:`web.notifications.schemas`, the sentences from :mod:`web.texts.api`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from web.language import language
from web.language import translate as _
from web.notifications import schemas, signing
from web.notifications.gate import REPLAYED
from web.texts.api import ABOUT, ANSWERS, HEADERS, OPERATIONS, PARAMETERS, SIGNING, TITLE, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

PATH = "/api/v1/payment-notifications"
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"
_BODIES = (
    "UnifiedPayment",
    "UnifiedConfirmation",
    "KonbiniPayment",
    "KonbiniConfirmation",
    "Batch",
)
_ALWAYS = ("401", "429", "503")
# The codes with which the interface says no, by status (RFC 9457).
CODES = {
    "401": ("signature_missing", "signature_invalid", "timestamp_outside", "nonce_invalid",
            "nonce_used"),
    "404": ("notification",),
    "409": ("idempotency_conflict",),
    "413": ("too_large",),
    "415": ("media_type",),
    "422": ("body_invalid", "idempotency_key_missing", "idempotency_key_invalid",
            "idempotency_key_differs", "notification_quarantined", "transaction_id"),
    "429": ("rate_limited",),
    "503": ("not_ready",),
}  # fmt: skip
_SIGNATURE: dict[str, dict[str, str]] = {
    signing.KEY_HEADER: {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$"},
    signing.TIMESTAMP_HEADER: {"type": "string", "pattern": f"^{signing.TIMESTAMP.pattern}$"},
    signing.NONCE_HEADER: {"type": "string", "pattern": f"^{signing.NONCE.pattern}$"},
    signing.SIGNATURE_HEADER: {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
}


def document() -> dict[str, Any]:
    """The whole description in the reader's language."""
    return _document(language())


@cache
def _document(_language: str) -> dict[str, Any]:
    """The same, made once for each language."""
    about = f"{_(ABOUT)}\n\n{_(SIGNING)}"
    return {
        "openapi": "3.1.0",
        "info": {"title": _(TITLE), "version": VERSION, "description": about},
        "servers": [{"url": "/"}],
        "paths": {
            PATH: {"post": _notify(), "get": _find()},
            f"{PATH}/{{id}}": {"get": _show()},
        },
        "components": {"schemas": _schemas()},
    }


def _notify() -> dict[str, Any]:
    key = _parameter("Idempotency-Key", {"type": "string", "pattern": schemas.IDENTIFIER})
    bodies = [{"$ref": _REFERENCE.format(model=name)} for name in _BODIES]
    good = {
        "201": _answer("201", "Receipt", replayed=True),
        "202": _answer("202", "Receipt", replayed=True),
        "207": _answer("207", "Results", replayed=True),
    }
    return {
        "operationId": "notifyPayment",
        "summary": OPERATIONS["notify"],
        "parameters": [*_signature(), key],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": bodies}}},
        },
        "responses": good | _problems("409", "413", "415", "422"),
    }


def _find() -> dict[str, Any]:
    form = {"type": "string", "pattern": schemas.TRANSACTION_ID}
    named = _parameter("transaction_id", form, "query", required=True)
    return {
        "operationId": "findNotifications",
        "summary": OPERATIONS["find"],
        "parameters": [*_signature(), named],
        "responses": {"200": _answer("200", "Found")} | _problems("422"),
    }


def _show() -> dict[str, Any]:
    named = _parameter("id", {"type": "string", "pattern": schemas.IDENTIFIER}, "path",
                       required=True)  # fmt: skip
    return {
        "operationId": "showNotification",
        "summary": OPERATIONS["show"],
        "parameters": [*_signature(), named],
        "responses": {"200": _answer("200", "Receipt")} | _problems("404"),
    }


def _signature() -> list[dict[str, Any]]:
    return [_parameter(name, form, required=True) for name, form in _SIGNATURE.items()]


def _parameter(
    name: str, form: dict[str, str], place: str = "header", *, required: bool = False
) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "description": PARAMETERS[name],
            "schema": form}  # fmt: skip


def _answer(status: str, model: str, *, replayed: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": ANSWERS[status],
        "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model)}}},
    }
    if replayed:
        said = {"description": HEADERS[REPLAYED], "schema": {"type": "string", "const": "true"}}
        found["headers"] = {REPLAYED: said}
    return found


def _problems(*statuses: str) -> dict[str, Any]:
    """The problem documents of an operation, those of every operation among them."""
    return {status: _problem(status) for status in sorted({*statuses, *_ALWAYS})}


def _problem(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": ANSWERS[status],
        "content": {_PROBLEM: {"schema": {"$ref": _REFERENCE.format(model="Problem")}}},
    }
    if status in {"429", "503"}:
        wait = {"description": HEADERS["Retry-After"], "required": True,
                "schema": {"type": "string", "pattern": "^[0-9]+$"}}  # fmt: skip
        found["headers"] = {"Retry-After": wait}
    return found


def _schemas() -> dict[str, Any]:
    """Every model by its name."""
    asked: Iterable[type[BaseModel]] = (
        schemas.UnifiedPayment, schemas.UnifiedConfirmation, schemas.KonbiniPayment,
        schemas.KonbiniConfirmation, schemas.Batch, schemas.Receipt, schemas.Results,
        schemas.Found, schemas.Problem,
    )  # fmt: skip
    _keys, found = models_json_schema(
        [(model, "validation") for model in asked], ref_template=_REFERENCE
    )
    models: dict[str, Any] = found["$defs"]
    for model in models.values():
        model.pop("title", None)
        for member in model["properties"].values():
            member.pop("title", None)
            if "description" in member:
                member["description"] = _(member["description"])
            # A member without a value of its own is absent when it is not given.
            if member.get("default") in ("", None, []):
                member.pop("default", None)
    for member in models["Batch"]["properties"].values():
        member["items"] = {"allOf": [member["items"], {"required": ["notification_id"]}]}
    return models
