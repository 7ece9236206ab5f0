"""封印と監査資料: rows that cannot be altered unseen, and bundles that prove themselves."""
