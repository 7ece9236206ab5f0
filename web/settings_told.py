"""設定の誤り: what is wrong with the value of a setting, and what it should be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

JSON, NETWORKS, DATABASE = "settings_json", "settings_networks", "settings_database"
SHOWN_MAX = 60
# What a value should have been, by what pydantic says of it.
_EXPECTED = {
    "int_parsing": "whole",
    "int_from_float": "whole",
    "greater_than_equal": "range",
    "less_than_equal": "range",
    "float_parsing": "number",
    "bool_parsing": "truth",
    "literal_error": "choice",
    "dict_type": "bodies",
    "model_type": "bodies",
    "model_attributes_type": "bodies",
    "missing": "missing",
    "extra_forbidden": "extra",
    "tuple_type": "several",
    "too_short": "several",
    JSON: "json",
    NETWORKS: "networks",
    DATABASE: "database",
}
# … and by the setting, where its form says more.
_FORMS = {
    "reconcile_at": "clock",
    "summary_at": "clock",
    "otlp_url": "http",
    "issuer": "https",
    "smtp_host": "host",
}
_HIDDEN = re.compile(r"secret|password|token|key|database_url")


def told(error: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> ConfigurationError:
    """設定の誤り as an error of ours: ``settings``, with where, what was found and what may stand.

    A secret, and a value that may hold one, is not shown.
    """
    names = [str(part) for part in error["loc"]]
    field = fields[names[0]]
    said = f"{error['input']}" if isinstance(error["input"], str | int | float | bool) else ""
    hidden = _HIDDEN.search(names[-1]) or (len(names) == 1 and error["type"] == JSON)
    kind = str(error["type"])
    expected = _EXPECTED.get(kind, "other")
    if expected not in {"missing", "extra"}:
        expected = _FORMS.get(names[-1], expected)
    return ConfigurationError(
        "settings",
        field=" ".join((f"KOKIN_{names[0].upper()}", ".".join(names[1:]))).strip(),
        found="…" if hidden or not said else said[:SHOWN_MAX],
        expected=expected,
        more=_more(error, field),
    )


def _more(error: Mapping[str, Any], field: FieldInfo) -> str:
    """The bounds of a number, the words of a choice, or the place in a text."""
    context = error.get("ctx", {})
    if place := context.get("place") or context.get("expected"):
        return f" ({place})"
    bounds = [
        f"{sign} {value}"
        for sign, name in ((">=", "ge"), ("<=", "le"))
        for value in (getattr(part, name, None) for part in field.metadata)
        if value is not None
    ]
    return f" ({', '.join(bounds)})" if bounds else ""
