"""OpenAPI: the notification interface as data (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any

from reconcile.formats.delimited import PAYMENT_CHANNELS
from reconcile.formats.notification import AGENTS

_HEADERS: list[dict[str, Any]] = [
    {
        "name": "X-Kokin-Key",
        "in": "header",
        "required": True,
        "description": "鍵ID",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$"},
    },
    {
        "name": "X-Kokin-Timestamp",
        "in": "header",
        "required": True,
        "description": "UNIX時刻（秒）。前後5分まで受け付けます。",
        "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
    },
    {
        "name": "X-Kokin-Signature",
        "in": "header",
        "required": True,
        "description": 'HMAC-SHA256(秘密, 時刻 + "." + 本文) の16進64文字。GETの本文は空です。',
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
]
_IDENTIFIER: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
_DAY: dict[str, Any] = {"type": "string", "format": "date"}
_AMOUNT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 99_999_999_999}
_COMMON: dict[str, Any] = {
    "notification_id": _IDENTIFIER,
    "record_kind": {"type": "string", "enum": ["1", "2", "3"], "default": "1"},
    "amount_yen": _AMOUNT,
    "paid_on": _DAY,
    "paid_at": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^$"},
}


def _digits(length: int) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^[0-9]{{{length}}}$"}


def _answer(description: str, schema: str, media: str = "application/json") -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {media: {"schema": reference}}}


def _problem(description: str) -> dict[str, Any]:
    return _answer(description, "Problem", "application/problem+json")


_PROBLEMS: dict[str, Any] = {
    "401": _problem("署名がない、正しくない、または時刻が範囲の外"),
    "429": _problem("回数が多すぎる"),
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "納付通知API",
        "version": "1",
        "description": "納付があったことを一件ずつ知らせる、このサービス独自のAPIです。"
        "eLTAXの仕様ではありません。",
    },
    "paths": {
        "/api/v1/payment-notifications": {
            "post": {
                "operationId": "notifyPayment",
                "summary": "納付を知らせる",
                "parameters": [
                    *_HEADERS,
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "required": False,
                        "description": "なければ本文の notification_id を使います。",
                        "schema": _IDENTIFIER,
                    },
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "oneOf": [
                                    {"$ref": "#/components/schemas/UnifiedPayment"},
                                    {"$ref": "#/components/schemas/KonbiniPayment"},
                                ]
                            }
                        }
                    },
                },
                "responses": {
                    "201": _answer("受け付けた", "Receipt"),
                    "200": _answer("同じ通知をすでに受け付けている", "Receipt"),
                    "202": _answer(
                        "保管した（received）。記帳は後で行い、結果はGETで分かる", "Receipt"
                    ),
                    "409": _problem("同じ Idempotency-Key で別の内容がある（両方を保管）"),
                    "413": _problem("本文が大きすぎる"),
                    "422": _problem("Idempotency-Key か本文の形が違う（本文は証拠として保管）"),
                    "503": _problem("いまは受け付けられない。同じ Idempotency-Key で再送"),
                    **_PROBLEMS,
                },
            }
        },
        "/api/v1/payment-notifications/{id}": {
            "get": {
                "operationId": "showNotification",
                "summary": "自分の通知がどうなったかを確かめる",
                "parameters": [
                    *_HEADERS,
                    {"name": "id", "in": "path", "required": True, "schema": _IDENTIFIER},
                ],
                "responses": {
                    "200": _answer("受け付けている", "Receipt"),
                    "404": _problem("届いていない"),
                    **_PROBLEMS,
                },
            }
        },
    },
    "components": {
        "schemas": {
            "UnifiedPayment": {
                "type": "object",
                "additionalProperties": False,
                "required": [
                    "collecting_body_code", "item_code", "case_key", "confirmation_no",
                    "amount_yen", "paid_on", "channel", "operator_code", "transaction_id",
                ],
                "properties": {
                    **_COMMON,
                    "collecting_body_code": _digits(5),
                    "item_code": _digits(3),
                    "case_key": _digits(20),
                    "confirmation_no": _digits(6),
                    "channel": {"type": "string", "enum": list(PAYMENT_CHANNELS)},
                    "operator_code": {"type": "string", "minLength": 1, "maxLength": 10},
                    "operator_name": {"type": "string", "maxLength": 60},
                    "transaction_id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,40}$"},
                    "remittance_on": {"type": "string"},
                    "remittance_no": {"type": "string", "maxLength": 20},
                },
            },
            "KonbiniPayment": {
                "type": "object",
                "additionalProperties": False,
                "required": [
                    "konbini_barcode", "agent", "cvs_code", "shop_code", "amount_yen", "paid_on",
                    "paid_at",
                ],
                "properties": {
                    **_COMMON,
                    "record_kind": {"type": "string", "const": "1", "default": "1"},
                    "konbini_barcode": _digits(44),
                    "agent": {"type": "string", "enum": list(AGENTS)},
                    "cvs_code": {"type": "string", "pattern": "^[0-9]{3,6}$"},
                    "shop_code": {"type": "string", "pattern": "^[0-9]{6,7}$"},
                },
            },
            "Receipt": {
                "type": "object",
                "required": ["id", "status", "sha256", "received_at"],
                "properties": {
                    "id": _IDENTIFIER,
                    "status": {
                        "type": "string",
                        "enum": ["accepted", "quarantined", "received"],
                        "description": "received は保管済みで記帳待ち",
                    },
                    "sha256": {"type": "string", "description": "受け取った本文のSHA-256"},
                    "received_at": {"type": "string", "format": "date-time"},
                },
            },
            "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "code"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "code": {"type": "string"},
                    "findings": {"type": "array", "items": {"type": "object"}},
                },
            },
        }
    },
}  # fmt: skip
