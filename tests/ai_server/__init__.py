"""A server on a real port that speaks the protocols of model providers and does as it is told."""
