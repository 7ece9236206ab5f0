"""定時処理: what runs by itself, one module per job."""
