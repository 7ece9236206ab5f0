"""``python -m web`` is the command ``kokin``."""

from __future__ import annotations

from web.cli import main

if __name__ == "__main__":
    main()
