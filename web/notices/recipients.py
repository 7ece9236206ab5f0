"""お知らせの宛先: to whom a municipality's notices go, as settings."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

RECIPIENT_MAX = 200


class Recipients(BaseModel):
    """お知らせの宛先 of one municipality; without any, notices are dropped as files only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mail: tuple[str, ...] = ()
    webhook: str = ""
    webhook_secret: str = Field(default="", repr=False)
    file: bool = True


class Target(NamedTuple):
    """送り先: one channel and one recipient, as the records name it."""

    channel: str
    recipient: str


def targets(recipients: Recipients) -> tuple[Target, ...]:
    """送り先 in their order; of a webhook's address, only what names the place."""
    found = [Target("mail", address[:RECIPIENT_MAX]) for address in recipients.mail]
    if recipients.webhook:
        parts = urlsplit(recipients.webhook)
        place = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        found.append(Target("webhook", place[:RECIPIENT_MAX]))
    if recipients.file:
        found.append(Target("file", "notices"))
    return tuple(found)
