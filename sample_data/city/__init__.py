"""見本市: a deterministic synthetic city, its files in every format, and the truth about them."""

from __future__ import annotations

from sample_data.city.generate import Summary, make

__all__ = ["Summary", "make"]
