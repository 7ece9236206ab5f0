"""今日: the page that a day begins with."""
