"""督促の画面の共通: the blueprint, and how many rows a page has."""

from __future__ import annotations

from flask import Blueprint

ROWS_SHOWN = 100
dunning = Blueprint("dunning", __name__, url_prefix="/staff/dunning")
