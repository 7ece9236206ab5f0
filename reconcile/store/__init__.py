"""保存: the tables of files, lines and cases, and the set-based statements on them."""
