"""Files made to do harm: whatever they unpack into, reading ends in time and within its memory."""

from __future__ import annotations

import dataclasses
import io
import math
import os
import resource
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from paper import sheet
from PIL import Image
from slips import slip_page

from payments.domain.errors import ConfigurationError, InvalidValueError
from qr.scan import apart
from qr.scan.files import pictures
from qr.scan.limits import Deadline, Source
from qr.scan.read import UPLOAD_LIMITS, read_pages, read_slips
from web import messages

if TYPE_CHECKING:
    from qr.scan.limits import ScanLimits

SLIP = slip_page(7)
SHORT = dataclasses.replace(UPLOAD_LIMITS, seconds_max=0.8)
PATIENT = dataclasses.replace(UPLOAD_LIMITS, seconds_max=200)  # however slow the machine
NARROW = dataclasses.replace(PATIENT, memory_max=200_000_000)


def refused(data: bytes | Path, limits: ScanLimits = PATIENT) -> str:
    """The code of the refusal; its sentence names the file."""
    with pytest.raises(InvalidValueError) as caught:
        read_slips(data, "写真.jpg", limits)
    sentence = messages.error(caught.value.error_code, caught.value.details)
    assert "写真.jpg" in sentence
    return caught.value.error_code


def png(image: Image.Image, **options: bytes) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def stream(entries: bytes, packed: bytes) -> bytes:
    """An object of a PDF with a compressed body."""
    length = b"<<%s/Filter/FlateDecode/Length %d>>" % (entries, len(packed))
    return length + b"stream\n" + packed + b"\nendstream"


def pdf(*objects: bytes, page: bytes = b"") -> bytes:
    """A PDF of one page, which is object 3 and draws object 4, the first of ``objects``."""
    out = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate(
        (
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R%s>>" % page,
            *objects,
        ),
        start=1,
    ):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    tail = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, len(out))
    return out + head + table + tail


def zeros(count: int) -> bytes:
    """So many bytes of nothing, packed a thousand times smaller without ever being whole."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)]
    return b"".join([*parts, packer.flush()])


def grey(side: int, entries: bytes = b"") -> bytes:
    """Entries of a square picture."""
    kind = b"/Type/XObject/Subtype/Image/BitsPerComponent 8/ColorSpace/DeviceGray"
    return kind + b"/Width %d/Height %d" % (side, side) + entries


DRAW = stream(b"", zlib.compress(b"500 0 0 500 0 0 cm /I Do"))


def test_a_file_reads_apart_as_it_does_here(tmp_path: Path) -> None:
    data = png(sheet((SLIP.el_qr, SLIP.konbini_barcode)))
    path = tmp_path / "納付書.png"
    path.write_bytes(data)
    here = [slip for slips in read_pages(data, "x", PATIENT) for slip in slips]
    assert [symbol.text for symbol in here[0].symbols] == [SLIP.el_qr, SLIP.konbini_barcode]
    assert read_slips(data, "x", PATIENT) == here
    assert read_slips(path, "x", PATIENT) == here


def test_a_refusal_comes_back_with_its_details() -> None:
    data = png(Image.new("1", (300, 200)))
    with pytest.raises(InvalidValueError) as caught:
        read_slips(data, "x", dataclasses.replace(PATIENT, pixels_max=50_000))
    assert caught.value.error_code == "scan_too_many_pixels"
    assert caught.value.details == {"file": "x", "found": 60_000, "max": 50_000}


def test_a_content_stream_that_takes_minutes_to_understand() -> None:
    """Half a minute goes into parsing the page, before drawing could be asked to stop."""
    packed = zlib.compress(b"0 0 m 1 1 l S\n" * 3_000_000)
    assert len(packed) < 200_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert refused(pdf(stream(b"", packed)), SHORT) == "scan_too_slow"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 10  # of the processor, however busy the machine


def test_a_content_stream_that_takes_more_memory_than_there_is() -> None:
    packed = zlib.compress(b"0 0 m 1 1 l S\n" * 3_000_000)
    assert refused(pdf(stream(b"", packed)), NARROW) == "scan_too_heavy"


def test_a_mask_of_more_pixels_than_its_picture() -> None:
    """No memory is given for it: the page is drawn without that picture, and nothing breaks."""
    side = 14_000
    data = pdf(
        DRAW,
        stream(grey(1, b"/SMask 6 0 R"), zlib.compress(b"\0")),
        stream(grey(side), zeros(side * side)),
        page=b"/Resources<</XObject<</I 5 0 R>>>>",
    )
    assert len(data) < 200_000
    assert read_slips(data, "x", NARROW) == []


def test_annotations_are_not_drawn() -> None:
    """Pictures within them are in no list of the page's pictures that could be checked before."""
    data = pdf(
        stream(b"", zlib.compress(b" ")),
        stream(b"/Type/XObject/Subtype/Form/BBox[0 0 500 500]", zlib.compress(b"0 0 500 500 re f")),
        b"<</Type/Annot/Subtype/Stamp/Rect[0 0 500 500]/AP<</N 5 0 R>>/F 4>>",
        page=b"/Annots[6 0 R]",
    )
    source = Source(data, "x", UPLOAD_LIMITS, Deadline(math.inf))
    (picture,) = pictures(source, 72)
    assert picture.image.getextrema() == (255, 255)


def test_a_palette_with_transparency_takes_one_byte_a_pixel() -> None:
    image = Image.new("P", (4_000, 4_000))
    image.putpalette([0] * 768)
    data = png(image, transparency=bytes(256))
    assert len(data) < 100_000
    assert read_slips(data, "x", NARROW) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGSEGV, "scan_too_heavy"),
        (signal.SIGKILL, "scan_too_heavy"),
        (signal.SIGXCPU, "scan_too_slow"),
    ],
)
def test_a_process_that_dies(
    number: signal.Signals, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch, f"import os; os.kill(os.getpid(), {number.value})")
    # Far more than a pipe holds: what is asked of the dead does not block.
    assert refused(b"%PDF-" + bytes(1_000_000)) == code


def test_a_last_line_cut_off_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, "import os; print('{\"slips\": [', end='', flush=True); os.abort()")
    assert refused(b"%PDF-") == "scan_too_heavy"


def test_a_process_that_cannot_start_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instead(monkeypatch, "raise SystemExit(3)")
    with pytest.raises(subprocess.CalledProcessError):
        read_slips(b"%PDF-", "x", PATIENT)


def test_a_missing_library_is_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"error": "zbar_missing", "configuration": True, "details": {}}
    instead(monkeypatch, f"import json; print(json.dumps({answer}))")
    with pytest.raises(ConfigurationError):
        read_slips(b"%PDF-", "x", PATIENT)


def test_it_is_not_told_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOKIN_SECRET_KEY", "secret")
    names = "import os, json; print(json.dumps({'error': ' '.join(os.environ), "
    instead(monkeypatch, names + "'configuration': False, 'details': {}}))")
    with pytest.raises(InvalidValueError) as caught:
        read_slips(b"%PDF-", "x", PATIENT)
    assert "MALLOC_ARENA_MAX" in caught.value.error_code
    assert "KOKIN" not in caught.value.error_code


def test_whoever_stops_listening_ends_it() -> None:
    data = io.BytesIO()
    pages = [Image.new("L", (64, 64), 255)] * 5
    pages[0].save(data, "TIFF", save_all=True, append_images=pages[1:])
    reading = apart.read_apart(data.getvalue(), "x", PATIENT)
    assert next(reading) == []
    reading.close()
    assert list(reading) == []


def instead(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Another program in the place of the one that reads."""
    monkeypatch.setattr(apart, "COMMAND", (sys.executable, "-c", program))


POLICY = """
import json, os, sys
sys.stdin.buffer.read()
said = {"policy": os.sched_getscheduler(0), "nice": os.nice(0), "own": os.getsid(0) == os.getpid()}
print(json.dumps({"error": "scan_unknown_format", "configuration": False, "details": said}))
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux only")
def test_whoever_reads_does_so_in_idle_time(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, POLICY)
    with pytest.raises(InvalidValueError) as caught:
        read_slips(png(Image.new("1", (30, 20))), "x", PATIENT)
    assert caught.value.details == {"policy": os.SCHED_IDLE, "nice": 19, "own": True}


SESSION = """
import json, sys
sys.stdin.buffer.read()
said = {"nice": open("/proc/self/autogroup").read().split()[-1]}
print(json.dumps({"error": "scan_unknown_format", "configuration": False, "details": said}))
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no autogroups here")
def test_its_session_lets_others_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, SESSION)
    with pytest.raises(InvalidValueError) as caught:
        read_slips(png(Image.new("1", (30, 20))), "x", PATIENT)
    assert caught.value.details == {"nice": "10"}


def test_where_there_is_no_idle_time_it_is_as_nice_as_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instead(monkeypatch, POLICY)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(InvalidValueError) as caught:
        read_slips(png(Image.new("1", (30, 20))), "x", PATIENT)
    assert caught.value.details["nice"] == 19
