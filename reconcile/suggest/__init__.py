"""候補: what money without a place may be for. People decide; nothing here books anything."""
