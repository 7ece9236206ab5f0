"""質問と答えの文言: what residents ask, and what they are told."""

from __future__ import annotations

from web.language import Sentences

GROUPS = Sentences({"status": "納付の確認"})
ANSWERS: dict[str, dict[str, tuple[str, ...]]] = {
    "status": {"when-shown": ("納めました。いつ確認できますか。", "数日かかります。")},
}
