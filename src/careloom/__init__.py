"""Careloom: the open workflow engine for healthcare."""

__version__ = "0.2.0"
