"""設定: everything the operator decides, read once from the environment and one file."""

from __future__ import annotations

import json
import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from payments.domain.errors import ConfigurationError
from payments.store.sealed_bytes import KeyRing, key_ring_from
from web.accounts.oidc_settings import OidcClient, ResidentClient
from web.notices.recipients import Recipients
from web.settings_file import settings_of
from web.settings_told import DATABASE, JSON, NETWORKS, told

KEPT_SECRET = "secret-key"  # name of the generated file  # noqa: S105  # the name of the file, no secret
SECRET_LENGTH_MIN = 32
DATABASES = ("sqlite:", "postgresql://", "postgresql+psycopg://", "postgres://")


def _decoded(value: Any) -> Any:
    """The JSON of a setting by municipality; what is none is wrong like any other value."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        place = f"{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise PydanticCustomError(JSON, "no JSON", {"place": place}) from error


class Settings(BaseSettings):
    """稼働設定: each field is the environment variable ``KOKIN_`` + its name in capitals.

    A variable that is empty is as if it were not there.
    """

    model_config = SettingsConfigDict(env_prefix="KOKIN_", extra="ignore", env_ignore_empty=True)

    settings_file: Path | None = None  # the same names, one a line; the environment stands above
    home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "kokin")
    database_url: str = ""  # default: a SQLite file in the home folder
    secret_key: str = Field(default="", repr=False)  # default: a generated file in the home folder
    municipality: str = ""  # default: the only municipality of the database
    inbox: Path | None = None  # default: the folder "inbox" in the home folder
    notification_keys: str = Field(default="", repr=False)  # "key-id:secret,key-id:secret"
    inbox_settle_seconds: int = Field(default=10, ge=0)  # unchanged so long, a file has arrived
    inbox_markers: str = ""  # "konbini:.done,debit:.end": folders whose files wait for a marker
    file_bytes_max: int = Field(default=256 << 20, ge=1)  # a larger file is not taken in
    archive_days: int = Field(default=400, ge=0)  # copies of what came are kept so long; 0: none
    encryption_keys: str = Field(default="", repr=False)  # "key-id:base64 …", the newest last
    encryption_key_file: Path | None = None  # the same, one a line; read before those above
    notifications_per_minute: int = Field(default=6_000, ge=0)  # of one key; 0: as many as come
    https: bool = False  # the service is reached through https only: cookies are then Secure
    proxies: int = Field(
        default=0, ge=0, le=9
    )  # reverse proxies in front whose X-Forwarded-* headers are trusted
    webhook_hosts: str = ""  # where webhooks may go, between commas; "*.example.jp": all below it
    webhook_networks: str = ""  # private networks that they may reach all the same: "10.1.0.0/16"
    webhook_http: bool = False  # webhooks may go without https, in a closed network
    inbox_seconds: int = Field(default=20, ge=1)  # how often the scheduler looks into the inbox
    reconcile_at: str = Field(default="06:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    # 定時処理: how the scheduler goes about its work; what runs when is set per municipality.
    schedule_tick_seconds: int = Field(default=5, ge=1, le=60)  # how often it looks what is due
    schedule_workers: int = Field(default=4, ge=1, le=32)  # jobs of several municipalities at once
    schedule_heartbeat_seconds: int = Field(default=30, ge=1, le=600)
    schedule_stale_seconds: int = Field(default=600, ge=2)  # a runner silent for longer is dead
    schedule_late_minutes: int = Field(default=60, ge=1)  # a slot that is older was missed
    schedule_attempts: int = Field(default=3, ge=1, le=10)  # of one slot, the first included
    schedule_retry_minutes: int = Field(default=5, ge=1)  # pause behind a failure
    schedule_keep_days: int = Field(default=400, ge=31)  # how long the history is kept
    reports: Path | None = None  # default: the folder "reports" in the home folder
    backups: Path | None = None  # default: the folder "backups" in the home folder
    backup_database_url: str = Field(default="", repr=False)  # default: database_url
    backups_kept: int = Field(default=14, ge=1)  # older ones are removed by the job
    metrics_token: str = Field(default="", repr=False)  # without one /metrics is for this machine
    otlp_url: str = Field(default="", pattern=r"^(https?://\S+)?$")  # where traces go; none without
    otlp_token: str = Field(default="", repr=False)  # sent with them (Authorization: Bearer)
    otlp_ratio: float = Field(default=1.0, ge=0, le=1)  # of the traces that are kept
    # お知らせ: municipality code → its recipients, as JSON; without them a file is dropped.
    notices: Annotated[dict[str, Recipients], NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )
    summary_at: str = Field(default="08:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    smtp_host: str = Field(default="", pattern=r"^[^\s/]*$")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_from: str = ""
    # 認証基盤 (OpenID Connect): municipality code → its provider, as JSON.
    oidc: Annotated[dict[str, OidcClient], NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )
    # 住民のサインイン (OpenID Connect): municipality code → its provider, as JSON; off without.
    residents: Annotated[dict[str, ResidentClient], NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        """Networks and nothing else; what is wrong is said at the start."""
        for part in value.replace(",", " ").split():
            try:
                ip_network(part)
            except ValueError as error:
                raise PydanticCustomError(NETWORKS, "no network") from error
        return value

    @field_validator("database_url", "backup_database_url")
    @classmethod
    def _addresses(cls, value: str) -> str:
        """A database of a kind that the books can be in."""
        if value and not value.startswith(DATABASES):
            raise PydanticCustomError(DATABASE, "no database")
        return value

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'kokin.sqlite3'}"

    @property
    def sqlite_file(self) -> Path | None:
        """The database file, or None when a server holds the database."""
        if not self.database.startswith("sqlite"):
            return None
        return Path(self.database.partition(":///")[2])

    @property
    def report_folder(self) -> Path:
        """日計の書出し先: where the job day_report writes its files."""
        return self.reports or self.home / "reports"

    @property
    def statistics_folder(self) -> Path:
        """統計の書出し先: Parquet files of every municipality, beside the reports."""
        return self.report_folder / "statistics"

    @property
    def backup_folder(self) -> Path:
        """バックアップの置き場所 of the job backup."""
        return self.backups or self.home / "backups"

    @property
    def inbox_folder(self) -> Path:
        """受信フォルダ: where files appear."""
        return self.inbox or self.home / "inbox"

    def recipients(self, municipality_code: str) -> Recipients:
        """お知らせの宛先 of one municipality."""
        return self.notices.get(municipality_code, Recipients())

    def notice_folder(self, municipality_code: str) -> Path:
        """お知らせのフォルダ: where notices are dropped as files."""
        return self.home / "notices" / municipality_code

    def secret(self) -> str:
        """The installation's secret; generated once, readable by its owner only.

        Raises :class:`ConfigurationError` ``secret_key`` when it is too short or cannot be kept.
        """
        secret = self.secret_key or self._secret_of_home()
        if len(secret) < SECRET_LENGTH_MIN:
            raise ConfigurationError(
                "secret_key", found=f"{len(secret)}", expected=f">= {SECRET_LENGTH_MIN}"
            )
        return secret

    def _secret_of_home(self) -> str:
        """Read the generated file, or write it when it is not there yet."""
        path = self.home / KEPT_SECRET
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return path.read_text("ascii").strip()
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
            return path.read_text("ascii").strip()
        except OSError as error:
            raise ConfigurationError("home", found=str(error), path=str(self.home)) from error

    def key_ring(self) -> KeyRing:
        """鍵束 for what is kept encrypted; empty when none is set.

        Raises :class:`ConfigurationError` ``encryption_key_file``, ``encryption_key_form`` or
        ``encryption_key_twice``.
        """
        kept = ""
        if self.encryption_key_file is not None:
            try:
                kept = self.encryption_key_file.read_text("ascii", "replace")
            except OSError as error:
                raise ConfigurationError(
                    "encryption_key_file",
                    path=str(self.encryption_key_file),
                    found=error.strerror or str(error),
                ) from error
        return key_ring_from(f"{kept}\n{self.encryption_keys}")

    def named_keys(self) -> dict[str, str]:
        """通知用の鍵 given in the environment: key id → secret.

        Raises :class:`ConfigurationError` ``notification_keys``.
        """
        found: dict[str, str] = {}
        parts = filter(None, (text.strip() for text in self.notification_keys.split(",")))
        for number, part in enumerate(parts, 1):
            key_id, separator, secret = part.partition(":")
            if not (key_id and separator and len(secret) >= SECRET_LENGTH_MIN):
                # What stands before the colon may be the secret: only the place is told.
                raise ConfigurationError("notification_keys", found=f"#{number}")
            found[key_id] = secret
        return found


def load_settings(**changes: object) -> Settings:
    """The settings of this process.

    Raises :class:`ConfigurationError` ``settings`` for the first that is wrong, and what
    :func:`web.settings_file.settings_of` raises.
    """
    settings, wrong = examined_settings(**changes)
    if wrong:
        raise wrong[0]
    return settings


def examined_settings(**changes: object) -> tuple[Settings, list[ConfigurationError]]:
    """設定とその誤り: whatever is wrong has its default, and is named, all at once.

    Raises what :func:`web.settings_file.settings_of` raises.
    """
    given = {**_of_the_file(), **changes}
    wrong: list[ConfigurationError] = []
    while True:
        try:
            return Settings(**given), wrong  # type: ignore[arg-type]
        except ValidationError as error:
            found = error.errors(include_url=False)
            wrong += [told(each, Settings.model_fields) for each in found]
            for name in {str(each["loc"][0]) for each in found}:
                given[name] = Settings.model_fields[name].get_default(call_default_factory=True)


def _of_the_file() -> dict[str, object]:
    """What the settings file says and the environment does not."""
    above = {name.upper() for name, value in os.environ.items() if value}
    path = next((v for k, v in os.environ.items() if k.upper() == "KOKIN_SETTINGS_FILE"), "")
    if not path:
        return {}
    return {
        name.lower().removeprefix("kokin_"): value
        for name, value in settings_of(Path(path)).items()
        if value and name not in above
    }
