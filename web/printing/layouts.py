"""様式: which layout the slips of each item have, and whether those of a run still stand.

Layouts ship with the project or are kept in the profile of the municipality. One stands in a run by
name, version and hash, so that a change is always seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import ConflictError
from qr.layout.slip_page import PrintProfile
from web.slip_forms import own_layouts

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from payments.print_runs import PrintRun


def layouts_by_item(profile: Profile, name: str = "") -> dict[str, str]:
    """科目の様式: item code → layout as a run records it; ``name`` overrides every item.

    Raises :class:`InvalidValueError` ``slip_layout_name`` for a layout that there is not.
    """
    known = PrintProfile(slip_layouts=own_layouts(profile))
    return {
        item.item_code: known.slip_layout(name or item.layout).reference for item in profile.items
    }


def require_unchanged(profile: Profile, run: PrintRun) -> None:
    """All files of a run have the layouts that were planned, to the byte.

    Raises :class:`ConflictError` ``print_layout_changed``, and :class:`InvalidValueError`
    ``slip_layout_name`` when one has gone.
    """
    known = PrintProfile(slip_layouts=own_layouts(profile))
    for section in run.sections:
        found = known.slip_layout(name_of(section.layout)).reference
        if found != section.layout:
            raise ConflictError("print_layout_changed", found=found, expected=section.layout)


def name_of(reference: str) -> str:
    """The name of a layout by its reference ``NAME-VERSION-HASH``."""
    return reference.rsplit("-", 2)[0]
