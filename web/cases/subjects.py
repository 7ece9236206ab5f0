"""対象の文言: what a case is about, in the words of the worklist and of its file."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from reconcile.case_facts import groups
from web import messages
from web.language import translate as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from reconcile.case_list import CaseSummary

_AT_ONCE = 500  # of which the remittances are looked up together


def subject_words(case: CaseSummary, known: Mapping[str, Mapping[str, Any]]) -> str:
    """対象: the file and line, the remittance (of those ``known`` by subject), the plan, the batch.

    Anything else stands as it is named in the books.
    """
    subject = str(case.subject)
    about, _colon, number = subject.partition(":")
    if case.file_name:
        line = _("{line_no}行目", line_no=case.line_no) if case.line_no else ""
        return f"{case.file_name} {line}".rstrip()
    if subject in known:
        group = known[subject]
        ref = str(group["ref"]).replace("|", " / ")
        return _("{agent}の払込 {ref}", agent=messages.label("agent", group["agent"]), ref=ref)
    if about == "plan":
        return _("分納 {number}", number=number)
    if about == "debit":
        return _("口座振替の束 {number}", number=number)
    return subject


def with_subjects(
    connection: Connection, municipality_code: str, cases: Iterable[CaseSummary]
) -> Iterator[tuple[CaseSummary, str]]:
    """The cases as they come, each with its 対象."""
    coming = iter(cases)
    while some := list(islice(coming, _AT_ONCE)):
        known = groups(connection, municipality_code, (case.subject for case in some))
        for case in some:
            yield case, subject_words(case, known)
