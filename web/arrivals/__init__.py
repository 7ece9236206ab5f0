"""受領予定の画面: what was awaited, what came, what is still to come."""
