"""依存ライブラリの検査: pins, hashes and licences without a network, and the SBOM of the lock.

    python tools/dependencies.py          # check; names everything that is wrong, exit code 1
    python tools/dependencies.py sbom OUT # CycloneDX 1.6 (JSON) of what an installation takes

Whether something has become known about a pinned version is another question: `make audit`.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
RUN, ALL = "requirements.lock", "requirements-dev.lock"
_PIN = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)(?:\[[a-z0-9,-]+\])?==(?P<version>[0-9][^\s;]*)"
    r"(?: ; (?P<marker>[^\\]+?))?(?: \\)?"
)
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?")

# May be used and passed on with an Apache-2.0 program; LGPL and MPL as libraries of their own.
LICENCES = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "LGPL-3.0-only", "MIT",
    "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib", "ZPL-2.1",
}  # fmt: skip
# What distributions write instead of an SPDX name.
_WRITTEN = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Zope Public License": "ZPL-2.1",
}
# Read by a person in the sources of the version that is pinned, where the metadata do not say it.
_READ = {
    "axe-playwright-python": "MIT",
    "colorama": "BSD-3-Clause",  # only on Windows
    "pyasn1": "BSD-2-Clause",
    "pypdfium2": "Apache-2.0 AND BSD-3-Clause",
    "tzdata": "Apache-2.0",  # only on Windows
}


class Pin(NamedTuple):
    """固定された配布物: one line of a lock with its hashes; ``marker`` says where it is taken."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def pins(text: str) -> list[Pin]:
    """The distributions of a lock. Raises :class:`ValueError` with the line that is none."""
    found: list[Pin] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if (pin := _PIN.fullmatch(line)) is not None:
            found.append(Pin(pin["name"], pin["version"], pin["marker"] or "", ()))
        elif (hashed := _HASH.fullmatch(line)) is not None and found:
            found[-1] = found[-1]._replace(hashes=(*found[-1].hashes, hashed[1]))
        else:
            message = f"line {number}: {line[:80]!r} is neither name==version nor its hash"
            raise ValueError(message)
    return found


def licence(name: str) -> str:
    """The licence of an installed distribution as an SPDX expression; "" when nothing says it."""
    if name in _READ:
        return _READ[name]
    try:
        said = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    classifiers = (each for each in said.get_all("Classifier", ()) if each.startswith("License"))
    named = [said.get("License-Expression"), *(each.split(" :: ")[-1] for each in classifiers)]
    named.append(said.get("License"))
    for each in named:
        spdx = _WRITTEN.get(each or "", each or "")
        if spdx and terms(spdx) <= LICENCES:
            return spdx
    return next((each for each in named if each and each != "OSI Approved"), "")


def terms(expression: str) -> set[str]:
    """The licences that an SPDX expression names."""
    return set(re.split(r" (?:AND|OR) ", expression.replace("(", "").replace(")", "")))


def faults(run: str, everything: str, project: str) -> Iterator[str]:
    """What is wrong with both locks and the file that they are made from."""
    for file, text in ((RUN, run), (ALL, everything)):
        try:
            unhashed = [pin.name for pin in pins(text) if not pin.hashes]
        except ValueError as error:
            yield f"{file}: {error}"
            return
        yield from (f"{file}: {name} has no hash" for name in unhashed)
    taken, known = set(pins(run)), pins(everything)
    for pin in sorted(taken - set(known)):
        yield f"{ALL}: {pin.name}=={pin.version} is not as in {RUN}"
    read = tomllib.loads(project)
    wanted = {RUN: read["project"]["dependencies"], ALL: read["dependency-groups"]["dev"]}
    for file, lines in wanted.items():
        there = {pin.name for pin in (taken if file == RUN else known)}
        for line in lines:
            name = re.split(r"[\[<>=!~ ]", line)[0].lower().replace("_", "-")
            if name not in there:
                yield f"{file}: {name} of pyproject.toml is missing; run make lock"
    for name in sorted({pin.name for pin in known}):
        said = licence(name)
        if not said or not terms(said) <= LICENCES:
            yield f"{name}: licence {said or 'not stated'!r} is not on the list"


def sbom(text: str) -> str:
    """部品表: the distributions of a lock as CycloneDX 1.6 JSON; the same lock, the same text."""
    # Only who wants the SBOM needs its library.
    from cyclonedx.model import HashAlgorithm, HashType, Property  # noqa: PLC0415
    from cyclonedx.model.bom import Bom  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression  # noqa: PLC0415
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    number = UUID(bytes=sha256(text.encode()).digest()[:16], version=4)
    bom = Bom(serial_number=number)
    bom.metadata.timestamp = datetime(1970, 1, 1, tzinfo=UTC)  # the lock has no time of its own
    root = Component(name="kokin", type=ComponentType.APPLICATION, bom_ref="kokin")
    bom.metadata.component = root
    for pin in pins(text):
        said = licence(pin.name)
        single = len(terms(said)) == 1
        stated = DisjunctiveLicense(id=said) if single else LicenseExpression(said)
        bom.components.add(
            Component(
                name=pin.name,
                version=pin.version,
                type=ComponentType.LIBRARY,
                bom_ref=f"{pin.name}@{pin.version}",
                purl=PackageURL("pypi", name=pin.name, version=pin.version),
                licenses=[stated] if said else [],
                # A hash of one file of several would be told as that of the component.
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=pin.hashes[0])]
                if len(pin.hashes) == 1
                else [],
                properties=[
                    *(Property(name="kokin:sha256", value=each) for each in pin.hashes),
                    *([Property(name="kokin:marker", value=pin.marker)] if pin.marker else []),
                ],
            )
        )
    bom.register_dependency(root, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def main(arguments: list[str]) -> int:
    """Check, or write the SBOM of the run-time lock."""
    run = (ROOT / RUN).read_text("utf-8")
    if arguments[:1] == ["sbom"]:
        out = Path(arguments[1])
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(sbom(run) + "\n", "utf-8")
        print(f"{out}: {len(pins(run))} 件")
        return 0
    everything = (ROOT / ALL).read_text("utf-8")
    found = [*faults(run, everything, (ROOT / "pyproject.toml").read_text("utf-8"))]
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
