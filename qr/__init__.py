"""納付書の記号: symbols on paper, written, drawn and read back."""
