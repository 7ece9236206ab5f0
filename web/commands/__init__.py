"""端末の命令: one module per topic; :mod:`web.cli` puts them together."""
