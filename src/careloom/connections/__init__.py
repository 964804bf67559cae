"""Everything that leaves the house goes through here: one gateway, and a sender per kind of peer."""
