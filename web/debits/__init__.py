"""口座振替の画面: runs, batches, what the banks said, and payers' accounts."""
