"""Models that learn from the store's own reviewed cases and records, in versions."""
