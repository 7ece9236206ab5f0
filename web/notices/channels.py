"""送信の手段: one notice to one recipient by mail, signed webhook or file.

Each function raises :class:`NotSentError` with a stable code when it could not be sent. Nothing
personal is in a notice, so none of the channels asks for more than its transport protects.
"""

from __future__ import annotations

import json
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from web.config import Settings

SECONDS = 20  # how long a mail server may think


class NotSentError(Exception):
    """送信できない: ``code`` says why (web/texts/notices.py)."""

    def __init__(self, code: str) -> None:
        """``code`` is stable; it goes into the records."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Notice:
    """お知らせ: what is said, under a key that names what it is about."""

    municipality_code: str
    notice_no: int
    key: str
    kind: str
    subject: str
    body: str
    made_at: datetime

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a mailbox can tell a repeat."""
        digest = sha256(f"{self.municipality_code}|{self.key}".encode()).hexdigest()
        return f"<{digest[:32]}@kokin.invalid>"


def send_mail(
    settings: Settings, notice: Notice, address: str, more: Mapping[str, str] | None = None
) -> None:
    """電子メール: plain text in UTF-8 over SMTP, with STARTTLS unless the settings say none.

    ``more`` are further headers.
    """
    if not settings.smtp_host:
        raise NotSentError("smtp_unset")
    message = EmailMessage()
    message["From"] = settings.smtp_from or f"kokin@{settings.smtp_host}"
    message["To"] = address
    message["Subject"] = notice.subject
    message["Date"] = format_datetime(notice.made_at)
    message["Message-ID"] = notice.message_id
    message["Auto-Submitted"] = "auto-generated"
    for name, value in (more or {}).items():
        message[name] = value
    message.set_content(notice.body, charset="utf-8", cte="base64")
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(message)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        raise NotSentError("smtp_login") from error
    except smtplib.SMTPException as error:
        raise NotSentError("smtp_refused") from error
    except OSError as error:
        raise NotSentError("smtp_unreachable") from error


def drop_file(folder: Path, notice: Notice) -> None:
    """ファイル: the notice as a text file, whole or not at all."""
    stamp = notice.made_at.strftime("%Y%m%dT%H%M%SZ")
    target = folder / f"{stamp}-{notice.notice_no:06d}-{notice.kind}.txt"
    part = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(f"{notice.subject}\n\n{notice.body}", "utf-8")
        part.replace(target)
    except OSError as error:
        raise NotSentError("folder_unwritable") from error


def as_json(notice: Notice) -> bytes:
    """Webhook の本文: the notice as a JSON object."""
    return json.dumps(
        {
            "municipality_code": notice.municipality_code,
            "notice_no": notice.notice_no,
            "kind": notice.kind,
            "subject": notice.subject,
            "body": notice.body,
            "made_at": notice.made_at.isoformat(timespec="seconds"),
        },
        ensure_ascii=False,
    ).encode()
