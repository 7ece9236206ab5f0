"""What makes thousands of applications of the tests cheap changes nothing about them."""

from __future__ import annotations

from werkzeug.routing import Rule

from web.app import create_app
from web.config import Settings


def _rules():
    app = create_app(Settings(database_url="sqlite://", secret_key="s" * 32))
    values = {"file_id": 7, "slug": "a-b", "path": "a/b"}
    return [
        (
            rule.rule,
            rule.arguments,
            rule._trace,
            rule._parts,
            {name: type(made) for name, made in rule._converters.items()},
            rule.build({name: values.get(name, 1) for name in rule.arguments}),
        )
        for rule in app.url_map.iter_rules()
    ]


def test_an_address_is_taken_apart_and_put_together_as_by_the_library(monkeypatch):
    first, again = _rules(), _rules()
    swift = vars(Rule)
    monkeypatch.setattr(Rule, "_parse_rule", swift["_parse_rule"]._parse)
    monkeypatch.setattr(Rule, "_compile_builder", swift["_compile_builder"]._compile)
    assert len(first) > 200
    assert first == again == _rules()
