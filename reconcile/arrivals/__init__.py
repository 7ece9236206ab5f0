"""受領予定: the calendar of a municipality, what came for which day, and what history teaches."""
