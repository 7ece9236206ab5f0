"""納付書情報の書出し: the upload of slip data as a file, recorded together with its hash.

The bytes are made from the books alone, so the same upload can be written again at any time.
"""

from __future__ import annotations

from hashlib import sha256
from typing import IO, TYPE_CHECKING

from payments import uploads
from payments.domain.errors import ConfigurationError, ConflictError, NotFoundError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import eltax_slip_upload
from web import clock
from web.printing.folder import unwritable, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from payments.uploads import Upload
    from reconcile.formats.eltax_slip_upload import SlipUploadRow

_REPORT_EVERY = 5_000


def write_upload(
    engine: Engine,
    municipality_code: str,
    out: Path,
    *,
    actor: str,
    progress: Callable[[int], None] | None = None,
) -> Upload:
    """納付書情報の作成: everything the hub has not been told yet, as one file.

    The file stands under its name once the books say so, not before; if the process dies in
    between, :func:`write_again` gives the same bytes. Raises :class:`NotFoundError`
    ``upload_none`` when there is nothing to tell, :class:`ConfigurationError` ``output_exists``.
    """
    _require_absent(out)
    with (
        unwritable(out),
        whole_file(out) as stream,
        unit_of_work(engine, municipality_code) as connection,
    ):
        profile = load_profile(connection, municipality_code)
        upload_id, lines = uploads.begin_upload(connection, profile)
        if not lines:
            raise NotFoundError("upload_none")
        digest, total_yen = _write(connection, municipality_code, upload_id, stream, progress)
        uploads.record_upload(
            connection,
            municipality_code,
            uploads.WrittenUpload(upload_id, out.name, lines, total_yen, digest),
            actor=actor,
            at=clock.now(),
        )
        return uploads.upload_of(connection, municipality_code, upload_id)


def write_again(engine: Engine, municipality_code: str, upload_id: int, out: Path) -> Upload:
    """納付書情報の再書出し: the bytes of an earlier upload, once more.

    Raises :class:`NotFoundError` ``slip_upload``, :class:`ConfigurationError` ``output_exists``
    and :class:`ConflictError` ``upload_differs`` if the books no longer give the recorded bytes.
    """
    _require_absent(out)
    with (
        reading(engine, municipality_code) as connection,
        unwritable(out),
        whole_file(out) as stream,
    ):
        upload = uploads.upload_of(connection, municipality_code, upload_id)
        digest, _total = _write(connection, municipality_code, upload_id, stream, None)
        if digest != upload.sha256:
            raise ConflictError("upload_differs", upload_id=upload_id)
        return upload


def _require_absent(out: Path) -> None:
    """A file handed to the hub is never written over."""
    if out.exists():
        raise ConfigurationError("output_exists", path=str(out))


def _write(
    connection: Connection,
    municipality_code: str,
    upload_id: int,
    stream: IO[bytes],
    progress: Callable[[int], None] | None,
) -> tuple[str, int]:
    """Write the lines; the SHA-256 of the file and Σ of the amounts."""
    digest = sha256()
    total_yen = 0

    def rows() -> Iterator[SlipUploadRow]:
        nonlocal total_yen
        lines = uploads.upload_lines(connection, municipality_code, upload_id)
        for number, line in enumerate(lines, start=1):
            total_yen += line.amount_yen
            if progress is not None and number % _REPORT_EVERY == 0:
                progress(number)
            yield eltax_slip_upload.row_of(*line)

    for piece in eltax_slip_upload.pieces(rows()):
        digest.update(piece)
        stream.write(piece)
    return digest.hexdigest(), total_yen
