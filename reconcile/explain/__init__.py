"""説明: why a line, slip, receipt, credit or case stands as it does."""
