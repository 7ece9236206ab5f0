"""収納状況の画面: a person's account, and the record of who looked at it and why."""
