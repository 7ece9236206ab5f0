"""署名付き Webhook: a notice by the signed transport that outgoing events use, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.notices.channels import NotSentError

if TYPE_CHECKING:
    from web.config import Settings
    from web.notices.channels import Notice


def post(settings: Settings, notice: Notice, url: str, secret: str) -> None:
    """通知の送信: one signed request; :class:`NotSentError` when it was not taken."""
    del settings, notice, url, secret  # the transport of the events comes with them
    raise NotSentError("webhook_unavailable")
