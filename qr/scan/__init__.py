"""納付書の読取: pictures and PDFs from outside become what each slip says."""
