"""What pipelines read, how far they have come, and what they could not take in."""
