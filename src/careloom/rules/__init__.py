"""Decision tables: read, checked for gaps and overlaps, and decided."""
