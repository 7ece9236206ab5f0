"""納付書の印刷: a print run from the books to paper; :mod:`web.printing.run` is the story."""
