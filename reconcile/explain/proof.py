"""証拠の照合: whether the bytes that an explanation shows are still those that came in.

The hash of a file is that of all its bytes, so that one record of it is proven by reading the whole
file. Of a register of hundreds of megabytes that takes seconds: who only looks may set a bound, and
what lies beyond it stays ``unproven`` until somebody asks for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconcile.explain.model import ALTERED, INTACT, MISSING
from reconcile.store.evidence import stored_digest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconcile.explain.model import Explanation, LineStory


def proven(
    connection: Connection,
    municipality_code: str,
    explanation: Explanation,
    most_bytes: int | None = None,
) -> Explanation:
    """照合した説明: each file of it read once and held against its SHA-256.

    With ``most_bytes`` files are read in the order of the stories as long as all of them together
    are no larger; a file that would be too much is left ``unproven``. Raises
    :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    found: dict[str, str] = {}
    read_bytes = 0
    for evidence in (story.evidence for story in explanation.stories):
        within = most_bytes is None or read_bytes + evidence.size_bytes <= most_bytes
        if evidence.sha256 not in found and within:
            found[evidence.sha256] = _proof(connection, municipality_code, evidence.sha256)
            read_bytes += evidence.size_bytes
    return replace(explanation, stories=tuple(_with(story, found) for story in explanation.stories))


def _with(story: LineStory, found: dict[str, str]) -> LineStory:
    """The story with what was found about its file."""
    evidence = story.evidence
    proof = found.get(evidence.sha256, evidence.proof)
    return replace(story, evidence=replace(evidence, proof=proof))


def _proof(connection: Connection, municipality_code: str, sha256: str) -> str:
    """What reading the whole file says."""
    digest, size = stored_digest(connection, municipality_code, sha256)
    if digest == sha256:
        return INTACT
    return ALTERED if size else MISSING
