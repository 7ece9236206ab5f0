"""ありふれたパスワード: what is tried first, so that nobody takes it.

A short list of our own: words and rows of keys that people choose, alone or repeated, with figures
or marks behind them. Length does the rest (NIST SP 800-63B 5.1.1.2).
"""

from __future__ import annotations

import re

_LIST = """
    abc abcd abcdef abcdefg abcdefgh abcdefghijkl access account admin administrator aisiteru
    aishiteru asdf asdfgh asdfghjk asdfghjkl baseball bank change changeme chihou city computer
    default demo doraemon dragon eltax football foobar fukuoka guest hello himitsu iloveyou
    internet japan kaikei kanri kansai kantoku kanrisha kaisha kessai kikai koukin kokin kokoro
    kyoto letmein login manager master money monkey nagoya naisho nihon nippon nofu nouzei
    okane onegai osaka pass passphrase passw passwd password pasuwado pikachu princess
    qazwsx qazwsxedc qwer qwert qwerty qwertyui qwertyuiop root sakura sample sapporo secret
    security sendai shichoson shiyakusho shunyu sunshine superman suzuki system tanaka
    tarou temp temporary test testing tokyo treasury trustno unknown user welcome whatever
    yamada yakuba yakusho zaimu zeikin zeimu zxcv zxcvbn zxcvbnm
    パスワード ひみつ 秘密 暗証番号 あいうえお かきくけこ 公金 会計 市役所 税務課
"""
WORDS = frozenset(_LIST.split())
_TAIL = re.compile(r"[\d\W_]+")  # figures and marks
_ENDS = re.compile(r"^[\d\W_]+|[\d\W_]+$")
_LEET = str.maketrans("013457@$!", "oieastasi")
_RUNS = "0123456789012345678909876543210987654321"


def is_common(password: str, user_name: str = "") -> bool:
    """Whether it is one of those that are tried first, or little more than the person's name.

    >>> [is_common(word) for word in ("Password2026!", "P@ssw0rd1234", "aaaaaaaaaaaa")]
    [True, True, True]
    >>> [is_common(word) for word in ("123456789012", "qwertyqwerty", "correct horse battery")]
    [True, True, False]
    """
    lowered = password.lower()
    name = user_name.lower()
    known = WORDS | {part for part in (name, _ENDS.sub("", name)) if len(part) > 2}
    if len(set(lowered)) <= 3 or lowered in _RUNS:
        return True
    core = _ENDS.sub("", lowered)
    return any(_is_known(text, known) for text in (lowered, core.translate(_LEET)))


def _is_known(text: str, known: frozenset[str] | set[str]) -> bool:
    """Whether nothing but known words is left between figures and marks."""
    parts = [part for part in _TAIL.split(text) if part]
    return all(_repeats(part) in known for part in parts)


def _repeats(text: str) -> str:
    """``abcabc`` → ``abc``; what repeats nothing stays as it is."""
    for length in range(1, len(text) // 2 + 1):
        if len(text) % length == 0 and text[:length] * (len(text) // length) == text:
            return text[:length]
    return text
