"""還付の画面: all pages of the blueprint, once the modules that make them are loaded."""

from __future__ import annotations

import web.refunds.batch_routes
import web.refunds.list_routes
import web.refunds.routes  # noqa: F401 - all put their pages into the blueprint
from web.refunds.shared import refunding

__all__ = ["refunding"]
