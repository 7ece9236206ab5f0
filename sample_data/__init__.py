"""見本データ: a deterministic synthetic city, in every format and with its right outcomes."""
