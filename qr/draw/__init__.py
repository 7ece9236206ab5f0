"""納付書の描画: slips become one PDF."""
