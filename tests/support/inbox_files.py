"""届いた資料の見本: konbini files that nobody has seen yet."""

from __future__ import annotations

from reference_rows import barcode

from reconcile.formats import konbini_dsk


def payments(serial: int, *clients: str) -> bytes:
    """A konbini file that nobody has seen yet: two payments of the city, or one of each client."""
    return konbini_dsk.write(
        konbini_dsk.DskRow(
            kind="01",
            paid_on="20260602",
            paid_at="1234",
            barcode=barcode(f"{serial + place}", "0", 1_000, client=client),
            amount_yen=1_000,
            cvs_code="030",
            cvs_name="ファミリーマート",
            shop_code="001234",
            remitted_on="0",
            created_on="20260603",
        )
        for place, client in enumerate(clients or ("", ""))
    )
