"""お知らせ: what the service tells the treasury by mail, webhook or file, exactly once."""
