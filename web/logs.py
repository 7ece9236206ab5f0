"""記録の形: one line per event on standard error, with the code of the body that it is about.

No line holds personal data; the code alone says whose operator has to look. What happens outside of
a request is named by its thread (``booker-99999``) or says the code itself.
"""

from __future__ import annotations

import logging

from flask import g, has_request_context

FORMAT = "%(levelname)s [%(body)s] %(threadName)s %(name)s: %(message)s"
NONE = "-"  # before a body is known, or about the installation


def begin_logs() -> None:
    """From here on every line says its body; once per process, before anything is said."""
    handler = logging.StreamHandler()
    handler.addFilter(_name_body)
    handler.setFormatter(logging.Formatter(FORMAT))
    logging.basicConfig(handlers=[handler])


def _name_body(record: logging.LogRecord) -> bool:
    """Put the body of the request beside the message."""
    record.body = g.get("municipality", NONE) if has_request_context() else NONE
    return True
