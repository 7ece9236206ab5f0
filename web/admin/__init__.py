"""管理: the settings of a body, its keys and its calendar, on pages."""
