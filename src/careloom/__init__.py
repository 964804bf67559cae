"""Careloom: the open workflow engine for healthcare."""

__version__ = "0.4.0"
