"""The browser that page tests are given is a real one."""

from __future__ import annotations

import pytest
from browser import forget, served, violations
from flask import Flask

ROWS = "".join(f"<tr><th scope=row>{row}</th><td>税目</td></tr>" for row in range(40))
# What is too faint, at one place among many that look otherwise.
FAINT = {
    "letters of one cell": "tr:nth-child(17) td { color: #bbb }",
    "ground of one row": "tr:nth-child(9) { background: #333 }",
    "ground of the table": "table { background: #555 }",
    "one row that can be seen through": "tr:nth-child(30) { opacity: 0.3 }",
    "what lies on top": "td { position: relative } tr:nth-child(5) td b { position: absolute; "
    "background: #222 }",
    "all that is a heading": "th { color: #ccc; position: sticky }",
    "what is typed": "input { color: #ddd }",
}


@pytest.mark.browser
def test_the_browser_renders_japanese_and_runs_scripts(page):
    page.set_content("<h1>公金</h1><script>document.title = '日計表'</script>")
    assert page.title() == "日計表"
    assert page.inner_text("h1") == "公金"
    assert page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"


@pytest.mark.browser
def test_whatever_is_too_faint_is_found_wherever_it_stands(page):
    rows = ROWS.replace("<td>税目</td>", "<td><b>税目</b></td>", 5)
    page.set_content(
        "<html lang=ja><title>表</title><style></style><main><h1>表</h1><table>"
        f"<tbody>{rows}</tbody></table><label>名 <input value=税目></label></main>"
    )
    assert violations(page) == []
    for what, style in FAINT.items():
        page.evaluate("style => document.querySelector('style').textContent = style", style)
        assert [rule for rule, _places in violations(page)] == ["color-contrast"], what


@pytest.mark.browser
def test_nothing_of_a_page_is_left_for_that_of_the_next_test(shared_context):
    app = Flask(__name__)
    app.add_url_rule("/", "page", lambda: "<title>表</title>")
    with served(app) as address:
        for _test in range(2):
            opened = shared_context.new_page()
            opened.goto(address)
            assert opened.evaluate("[document.cookie, localStorage.length]") == ["", 0]
            opened.evaluate("document.cookie = 'kept=1; path=/', localStorage.kept = 1")
            assert opened.evaluate("[document.cookie, localStorage.length]") == ["kept=1", 1]
            opened.context.new_page()
            forget(shared_context)
            assert len(shared_context.pages) == 1
