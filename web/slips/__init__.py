"""納付書の窓口の画面: what a slip is, what may be done with it, and the print runs."""
