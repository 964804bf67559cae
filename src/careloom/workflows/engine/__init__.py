"""The durable engine: a pure core, a ledger that groups commits, and workers with leases."""
