"""照合: files in; outcomes, postings, settlements and questions out."""
