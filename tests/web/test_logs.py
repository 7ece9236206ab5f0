from __future__ import annotations

import logging

from web import logs


def _line(record):
    return logging.Formatter(logs.FORMAT).format(record)


def test_a_line_names_the_body_of_its_request_and_no_other(app):
    record = logging.LogRecord("web.app", logging.WARNING, "", 0, "refused", (), None)
    logs._name_body(record)
    assert "WARNING [-] " in _line(record)
    with app.test_request_context("/"):
        logs._name_body(record)
        assert "[-]" in _line(record)  # before anybody has decided
        app.extensions["kokin"].enter("99998")
        logs._name_body(record)
        assert _line(record).startswith("WARNING [99998] ")
