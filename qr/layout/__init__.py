"""様式: where things stand on a slip, and what a slip says."""
