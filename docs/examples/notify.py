"""納付通知の送り方の例: an operator's client of the notification API, standard library only.

    KOKIN_SECRET=… python notify.py http://127.0.0.1:8000 pay-1 body.json

A notification is sent until it is answered: whatever is lost on the way, it is booked once, because
every attempt carries the same body under the same ``Idempotency-Key``. Each attempt is signed anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATH = "/api/v1/payment-notifications"
LATER = {429, 500, 502, 503, 504}  # asks for the same once more, a little later
TIMEOUT_SECONDS = 30


class RefusedError(Exception):
    """断られた: a problem document (RFC 9457); sending the same again would not help."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail')}")
        self.problem = problem


class Notifier:
    """送信係: signs, sends, and sends again until there is an answer."""

    def __init__(
        self,
        server: str,
        key_id: str,
        secret: str,
        *,
        attempts: int = 8,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """``server`` without a slash at the end; between attempts it waits 1, 2, 4 … seconds."""
        self._server = server
        self._key_id = key_id
        self._secret = secret
        self._attempts = attempts
        self._wait = wait

    def notify(self, notification: Mapping[str, Any], notification_id: str) -> dict[str, Any]:
        """One notification; the receipt. Raises :class:`RefusedError`."""
        return self._send("POST", PATH, _as_json(notification), notification_id)

    def notify_many(self, notifications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Up to 1,000, each with its ``notification_id``; a result each, in the same order."""
        answer = self._send("POST", PATH, _as_json({"notifications": notifications}))
        results: list[dict[str, Any]] = answer["results"]
        return results

    def show(self, notification_id: str) -> dict[str, Any]:
        """What became of a notification. Raises :class:`RefusedError` when it never arrived."""
        return self._send("GET", f"{PATH}/{quote(notification_id, safe='')}")

    def find(self, transaction_id: str) -> list[dict[str, Any]]:
        """The notifications about one transaction."""
        answer = self._send("GET", f"{PATH}?transaction_id={quote(transaction_id, safe='')}")
        found: list[dict[str, Any]] = answer["notifications"]
        return found

    def _send(
        self, method: str, path: str, body: bytes = b"", notification_id: str = ""
    ) -> dict[str, Any]:
        """The answer, from as many attempts as it takes."""
        for attempt in range(self._attempts):
            headers = self._signed(method, path, body)
            if body:
                headers["Content-Type"] = "application/json"
            if notification_id:
                headers["Idempotency-Key"] = notification_id
            request = urllib.request.Request(  # noqa: S310 - the server is the caller's
                self._server + path, body or None, headers, method=method
            )
            pause = float(2**attempt)
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                    found: dict[str, Any] = json.load(answer)
                    return found
            except urllib.error.HTTPError as error:
                if error.code not in LATER:
                    raise RefusedError(_problem(error)) from error
                pause = max(pause, float(error.headers.get("Retry-After") or 0))
            except (OSError, HTTPException):
                pass  # Whether it arrived is unknown: the same once more.
            if attempt + 1 < self._attempts:
                self._wait(pause)
        message = f"no answer after {self._attempts} attempts; send the same again later"
        raise TimeoutError(message)

    def _signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """The headers of one attempt: its own time, its own nonce, its own signature."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n{method}\n{path}\n".encode() + body
        return {
            "X-Kokin-Key": self._key_id,
            "X-Kokin-Timestamp": timestamp,
            "X-Kokin-Nonce": nonce,
            "X-Kokin-Signature": hmac.new(
                self._secret.encode(), message, hashlib.sha256
            ).hexdigest(),
        }


def _as_json(members: Mapping[str, Any]) -> bytes:
    """The same bytes for the same members: a repetition must not differ in a space."""
    return json.dumps(members, ensure_ascii=False, sort_keys=True).encode()


def _problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    """The problem document, or what can be said without one."""
    try:
        found = json.load(error)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"code": str(error.code), "detail": error.reason}


def main(server: str, key_id: str, file_name: str) -> None:
    """Send the notification of a file, under an id that follows from its bytes."""
    with open(file_name, encoding="utf-8") as file:  # noqa: PTH123 - nothing else needs pathlib
        notification = json.load(file)
    notifier = Notifier(server.rstrip("/"), key_id, os.environ["KOKIN_SECRET"])
    own = hashlib.sha256(_as_json(notification)).hexdigest()
    try:
        receipt = notifier.notify(notification, notification.get("notification_id") or own)
    except RefusedError as refused:
        sys.exit(json.dumps(refused.problem, ensure_ascii=False, indent=2))
    print(json.dumps(receipt, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:4])
