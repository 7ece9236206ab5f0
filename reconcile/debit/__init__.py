"""口座振替: batches for the banks, built once and sent once, and what came back."""
