"""回数の制限: how often may be asked about one slip, from one source, and of the whole site.

Pure. A slip is counted by its 納付番号 alone, so that guessing its 確認番号 counts against it; a
source by its network; misses (numbers that nobody has) against source and site, because people with
a slip in hand hardly ever miss and people who guess always do. However many guess, nobody else is
shut out: many misses only mean that every source may miss less often. Windows begin at multiples of
their length, the same for every process, so that counts can be shared by adding.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payments.domain.enquiring import Enquiries

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SITE, PROOF = "site", "proof"
_IPV6_HOST_BITS = 128 - 56  # a /56 is what one customer of a provider has (RIPE-690)


class Rule(NamedTuple):
    """制限: at most ``most`` within ``seconds``."""

    kind: str
    seconds: int
    most: int


# What counts every question …
ASKED = (
    Rule("slip", HOUR, 20),
    Rule("slip", DAY, 50),
    Rule("source", MINUTE, 60),
    Rule("source", HOUR, 600),
)
# … what counts those that came without a proof of work, from a page without JavaScript …
UNPROVEN = (
    Rule("unproven", MINUTE, 10),
    Rule("unproven", HOUR, 60),
    Rule("unproven", DAY, 200),
)
# … and what counts questions that found nothing.
MISSED = (
    Rule("missed", HOUR, 30),
    Rule("missed", DAY, 100),
)
SITE_WINDOW = HOUR
GUARDED_UNPROVEN = Rule("unproven", HOUR, 5)  # what is left without a proof while guarded
# What is left to each source while many try numbers at once: enough for whoever has a slip.
STRICT = (
    Rule("missed", HOUR, 3),
    Rule("unproven", HOUR, 2),
)


class Key(NamedTuple):
    """数える対象: whose count, and since when (seconds since 1970)."""

    subject: str
    begun: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Asked:
    """一つの問い as the limits see it; ``slip`` and ``source`` are keyed digests.

    ``proof`` names the proof of work that came with it, "" for none, ``set_at`` when its task was
    set (seconds since 1970).
    """

    slip: str
    source: str
    missed: bool
    proof: str = ""
    set_at: int = 0


class Verdict(NamedTuple):
    """判定: whether it may be answered; else how many seconds to wait."""

    wait_seconds: int
    rule: str = ""

    @property
    def answered(self) -> bool:
        """Whether the question may be answered."""
        return self.wait_seconds == 0


SPENT = Verdict(1, PROOF)


def network(address: str) -> str:
    """照会元: an address as it is counted; of IPv6 the network of one customer."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))


def counted(asked: Asked, now: float) -> dict[Key, int]:
    """What a question adds to each count that is looked at; 0 where it is only looked at."""
    found = {_key(rule, asked, now): 1 for rule in ASKED}
    if asked.proof:
        found[_proof_key(asked)] = 1
    else:
        found |= {_key(rule, asked, now): 1 for rule in UNPROVEN}
    found |= {_key(rule, asked, now): int(asked.missed) for rule in MISSED}
    found[site_key(now)] = int(asked.missed)
    return found


def site_key(now: float) -> Key:
    """Where the misses of the whole site are counted."""
    return _window(SITE, SITE_WINDOW, now)


def is_guarded(misses: int, section: Enquiries) -> bool:
    """警戒中か: so many questions found nothing that somebody may be trying numbers."""
    return misses >= section.misses_guarded


def decide(asked: Asked, before: Mapping[Key, int], section: Enquiries, now: float) -> Verdict:
    """判定 from what had been counted before this question.

    Whether the question itself found something changes nothing, so that being refused says nothing.
    A proof that was used before is none: :data:`SPENT`, and the question is to be put without it.
    """
    misses = before.get(site_key(now), 0)
    if asked.proof and before.get(_proof_key(asked), 0):
        return SPENT
    rules = [*ASKED, *MISSED, *UNPROVEN]
    if is_guarded(misses, section):
        rules.append(GUARDED_UNPROVEN)
    if misses >= section.misses_strict:
        rules += STRICT
    refused = []
    for rule in rules:
        if rule.kind == "unproven" and asked.proof:
            continue
        key = _key(rule, asked, now)
        if before.get(key, 0) >= rule.most:
            refused.append(_wait(key, rule.kind, now))
    return max(refused, default=Verdict(0))


def _wait(key: Key, rule: str, now: float) -> Verdict:
    return Verdict(max(1, int(key.begun + key.seconds - now) + 1), rule)


def _key(rule: Rule, asked: Asked, now: float) -> Key:
    whose = asked.slip if rule.kind == "slip" else asked.source
    return _window(f"{rule.kind}:{whose}", rule.seconds, now)


def _proof_key(asked: Asked) -> Key:
    return Key(f"{PROOF}:{asked.proof}", asked.set_at, DAY)


def _window(subject: str, seconds: int, now: float) -> Key:
    return Key(subject, int(now) // seconds * seconds, seconds)
