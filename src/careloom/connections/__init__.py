"""What leaves the house: one gateway, and a sender for each kind of peer."""
