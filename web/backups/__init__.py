"""バックアップと復元: everything the books are, taken while the service runs, and put back."""
