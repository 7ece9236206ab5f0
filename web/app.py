"""画面とAPI: the application factory, which puts the blueprints and their rules together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, g
from werkzeug.middleware.proxy_fix import ProxyFix

from payments.domain.fiscal import fiscal_year
from web import formatting, messages
from web.accounts.factors import factors
from web.accounts.log_routes import logbook
from web.accounts.mine import accounts
from web.accounts.names import person
from web.accounts.oidc_routes import entrance
from web.accounts.steps import steps
from web.accounts.user_routes import users
from web.admin.key_routes import administering
from web.aliases.routes import naming
from web.approval_roles import duty
from web.approvals.routes import approving, waiting_count
from web.arrivals.routes import arriving
from web.calc.routes import calculating
from web.cases.desk import cases
from web.certificates.desk import certificates
from web.certificates.routes import verifying
from web.charges.routes import charges
from web.database import open_books
from web.days.routes import days
from web.days.sheet import cell_text
from web.debits.routes import debits
from web.dunning.file_routes import dunning_files
from web.dunning.pages import dunning
from web.duties import can, holds
from web.enquiries.routes import enquiries
from web.errors import handle_errors
from web.events.routes import outgoing
from web.explain.routes import explaining
from web.files.routes import files
from web.health.routes import health
from web.help.places import public_places
from web.help.routes import helping
from web.holds.routes import holding
from web.jobs.routes import jobs
from web.language import language, language_tag, translate
from web.language_choice import listen, other_languages
from web.navigation import can_find, own_places, place_groups, place_here
from web.notifications.documents import api_documents
from web.notifications.gate import Gate
from web.notifications.routes import notifications
from web.notifications.short_way import short_way
from web.open_data.routes import open_data
from web.people.routes import people
from web.placements.routes import placing
from web.reading_aids import listen_to_aids, look, reading_aids, repeated, switched_here
from web.refunds.pages import refunding
from web.reports.routes import reporting
from web.residents.desk import linking_desk
from web.residents.notice_links import residents
from web.residents.own_notices import own
from web.search.routes import searching
from web.security import SESSION_SECONDS, Access, Application, csrf, guard, limiter, register
from web.services import Services, services
from web.slips.routes import slips
from web.slips.start_routes import runs
from web.static_files import deliver
from web.today.routes import beginning

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from web.config import Settings

BODY_BYTES_MAX = 64 * 1024  # forms and single notifications are small


def create_app(settings: Settings, engine: Engine | None = None, **config: Any) -> Flask:
    """The WSGI application; ``config`` overrides Flask settings (for tests)."""
    app = Application(__name__)
    app.config.update(_flask_settings(settings) | config)
    app.extensions["kokin"] = Services(settings, engine or open_books(settings))
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    deliver(app)
    listen(app)
    listen_to_aids(app)
    guard(app)
    csrf.init_app(app)
    limiter.init_app(app)
    handle_errors(app)
    _words(app)
    for blueprint, access in (
        (enquiries, Access.PUBLIC),
        (helping, Access.PUBLIC),
        (health, Access.PUBLIC),
        (api_documents, Access.PUBLIC),
        (entrance, Access.PUBLIC),
        (notifications, Access.SIGNED),
        (accounts, Access.STAFF),
        (steps, Access.STAFF),
        (factors, Access.STAFF),
        (users, Access.STAFF),
        (logbook, Access.STAFF),
        (beginning, Access.STAFF),
        (days, Access.STAFF),
        (arriving, Access.STAFF),
        (cases, Access.STAFF),
        (searching, Access.STAFF),
        (approving, Access.STAFF),
        (debits, Access.STAFF),
        (certificates, Access.STAFF),
        (placing, Access.STAFF),
        (files, Access.STAFF),
        (explaining, Access.STAFF),
        (outgoing, Access.STAFF),
        (jobs, Access.STAFF),
        (calculating, Access.STAFF),
        (reporting, Access.STAFF),
        (open_data, Access.PUBLIC),
        (residents, Access.PUBLIC),
        (verifying, Access.PUBLIC),
        (own, Access.RESIDENT),
        (linking_desk, Access.STAFF),
        (people, Access.STAFF),
        (charges, Access.STAFF),
        (holding, Access.STAFF),
        (naming, Access.STAFF),
        (refunding, Access.STAFF),
        (slips, Access.STAFF),
        (dunning, Access.STAFF),
        (dunning_files, Access.STAFF),
        (runs, Access.STAFF),
        (administering, Access.STAFF),
    ):
        register(app, blueprint, access)
    app.extensions["kokin_gate"] = Gate(app.extensions["kokin"])
    app.extensions["kokin_short_way"] = short_way(app)
    return app


def _flask_settings(settings: Settings) -> dict[str, Any]:
    """What Flask and its extensions go by."""
    return {
        "SECRET_KEY": settings.secret(),
        # With this prefix browsers take it from this host over TLS only, and from nobody beside it.
        "SESSION_COOKIE_NAME": "__Host-kokin" if settings.https else "kokin",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.https,
        "PERMANENT_SESSION_LIFETIME": SESSION_SECONDS,
        "MAX_CONTENT_LENGTH": BODY_BYTES_MAX,
        "WTF_CSRF_TIME_LIMIT": SESSION_SECONDS,
        "RATELIMIT_ENABLED": True,
    }


def _words(app: Flask) -> None:
    """What templates may use to show values."""
    app.jinja_env.filters.update(
        yen=formatting.yen,
        count=formatting.count,
        long_day=formatting.long_day,
        full_day=formatting.full_day,
        short_day=formatting.short_day,
        moment=formatting.moment,
        month=formatting.month,
        unit_word=formatting.unit_word,
        weekday=formatting.weekday,
        wide=formatting.wide,
        cell=cell_text,
        labels=messages.labels,
        person=person,
        blocker=messages.blocker,
        fiscal_year=fiscal_year,
    )
    app.jinja_env.globals.update(
        _=translate,
        language=language,
        language_tag=language_tag,
        reading_aids=reading_aids,
        look=look,
        repeated=repeated,
        switched_here=switched_here,
        public_places=public_places,
        other_languages=other_languages,
        label=messages.label,
        waiting_count=waiting_count,
        duty=duty,
        can=can,
        holds=holds,
        can_find=can_find,
        own_places=own_places,
        place_groups=place_groups,
        place_here=place_here,
    )

    @app.context_processor
    def _page() -> dict[str, Any]:
        """Who is looking, and whose books these are."""
        return {
            "user": g.get("user"),
            "services": services,
            "sole_body": lambda: services().sole,
        }
