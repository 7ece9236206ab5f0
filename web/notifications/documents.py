"""APIの説明: the description of the interface as data, and as a page for people."""

from __future__ import annotations

from flask import Blueprint, Response, json, render_template

from web.notifications.openapi import document
from web.notifications.reference import reference

api_documents = Blueprint("api_documents", __name__, url_prefix="/api/v1")


@api_documents.get("/openapi.json")
def describe() -> Response:
    """The interface as data (OpenAPI 3.1)."""
    body = json.dumps(document(), ensure_ascii=False, sort_keys=False)
    return Response(body, content_type="application/json")


@api_documents.get("/docs")
def explain() -> str:
    """The same as a page."""
    return render_template("notifications/docs.html", reference=reference(document()))
