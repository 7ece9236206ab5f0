"""督促の画面: all pages of the blueprint, once the modules that make them are loaded."""

from __future__ import annotations

import web.dunning.routes
import web.dunning.row_routes  # noqa: F401 - both put their pages into the blueprint
from web.dunning.shared import dunning

__all__ = ["dunning"]
