"""The browser that page tests are given is a real one."""

from __future__ import annotations

import pytest


@pytest.mark.browser
def test_the_browser_renders_japanese_and_runs_scripts(page):
    page.set_content("<h1>公金</h1><script>document.title = '日計表'</script>")
    assert page.title() == "日計表"
    assert page.inner_text("h1") == "公金"
    assert page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"
