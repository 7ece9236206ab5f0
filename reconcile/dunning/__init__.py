"""督促: who is dunned, on what grounds nobody else is, and what was known when."""
