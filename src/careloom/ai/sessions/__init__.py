"""Conversations of people and programs with a worker."""
