"""検算: every figure worked out once more from the stored evidence, by code of its own."""
