"""記号の生成: digits become the modules and bars of a symbol."""
