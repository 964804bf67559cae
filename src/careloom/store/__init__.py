"""Everything that touches PostgreSQL, blobs and keys; SQL lives in sql/ and migrations/."""
