"""署名付き Webhook: a notice by the signed transport that outgoing events use, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from web import clock
from web.events.addresses import Reach
from web.events.transport import DELIVERED, post_signed
from web.notices.channels import NotSentError, as_json

if TYPE_CHECKING:
    from web.config import Settings
    from web.notices.channels import Notice


def post(settings: Settings, notice: Notice, url: str, secret: str) -> None:
    """通知の送信: one signed request; :class:`NotSentError` when it was not taken."""
    try:
        answer = post_signed(
            Reach.of(settings),
            url,
            (secret,),
            as_json(notice),
            message_id=notice.message_id.strip("<>"),
            at=clock.now(),
        )
    except ConfigurationError as error:  # a secret that signs nothing
        raise NotSentError("webhook_unsigned") from error
    if answer.reason != DELIVERED:
        raise NotSentError("webhook_refused" if answer.was_heard else "webhook_unreachable")
