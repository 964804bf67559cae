"""Careloom: the open workflow engine for healthcare."""

__version__ = "0.6.0"
