"""外部通知: what happened is told to those who have asked for it, and whether they heard it."""
