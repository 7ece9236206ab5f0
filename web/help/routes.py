"""質問と答えの画面: questions residents ask, ways of paying, channels, accessibility."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from web import clock
from web.help.offers import contact, offered, reported
from web.help.questions import GROUPS, questions
from web.help.search import find
from web.help.statement import checks, statement
from web.security import limiter

LIMIT = "120 per minute"
QUESTION_MAX = 100  # characters of a question that are looked at
FOUND_MAX = 5

helping = Blueprint("help", __name__, url_prefix="/help")


@helping.get("/")
@limiter.limit(LIMIT)
def index() -> str:
    """All questions by their groups, and those that answer what was typed before them."""
    typed = request.args.get("q", "")[:QUESTION_MAX].strip()
    return render_template(
        "help/index.html",
        typed=typed,
        found=find(typed)[:FOUND_MAX] if typed else [],
        groups=GROUPS,
        questions=questions(),
        contact=contact(),
    )


@helping.get("/<slug>")
@limiter.limit(LIMIT)
def show(slug: str) -> str:
    """One question and its answer."""
    found = next((each for each in questions() if each.slug == slug), None)
    if found is None:
        abort(404)
    beside = [each for each in questions() if each.group == found.group and each is not found]
    return render_template("help/show.html", question=found, beside=beside, contact=contact())


@helping.get("/ways")
@limiter.limit(LIMIT)
def ways() -> str:
    """納め方: each way of paying, its fee, its limit, and until when it can be used."""
    return render_template("help/ways.html", bodies=offered())


@helping.get("/channels")
@limiter.limit(LIMIT)
def channels() -> str:
    """届いた資料: up to when each channel has reported, and when it usually does."""
    return render_template("help/channels.html", bodies=reported(), now=clock.now())


@helping.get("/accessibility")
@limiter.limit(LIMIT)
def accessibility() -> str:
    """ウェブアクセシビリティについて: what was tried, with what result."""
    return render_template(
        "help/accessibility.html", result=statement(), checks=checks(), contact=contact()
    )
