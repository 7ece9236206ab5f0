"""保存: the tables of the books and the statements on them, on SQLite and PostgreSQL."""
