"""設定ファイル: a profile as TOML, as ``kokin init --profile`` reads it, and back.

What a profile keeps of its layout files (their text, their pictures) stays in it, so that one file
is the whole profile.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import tomli_w

from payments.domain.errors import InvalidValueError
from payments.domain.profile import profile_from_mapping

if TYPE_CHECKING:
    from payments.domain.profile import Profile


def written(profile: Profile) -> str:
    """設定ファイル of a profile; read again it is the same profile."""
    data = {name: _lists(value) for name, value in asdict(profile).items() if value != ()}
    for name in ("layouts", "registers"):
        data.pop(name, None)
        if described := getattr(profile, name):
            data[name] = [json.loads(each) for each in described]
    return tomli_w.dumps(data, multiline_strings=True)


def read(text: str) -> Profile:
    """The profile of a settings file.

    Raises :class:`InvalidValueError` ``parameters_toml`` with the place for text that is no TOML,
    and what :func:`payments.domain.profile.profile_from_mapping` raises.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number of thousands of digits
        raise InvalidValueError("parameters_toml", found=str(error)) from error
    return profile_from_mapping(data)


def _lists(value: Any) -> Any:
    """TOML has lists and no tuples."""
    if isinstance(value, list | tuple):
        return [_lists(each) for each in value]
    if isinstance(value, dict):
        return {name: _lists(each) for name, each in value.items()}
    return value
