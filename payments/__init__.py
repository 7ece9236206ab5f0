"""収納: what is owed, what was paid, and the books; imports nothing else of ours."""
