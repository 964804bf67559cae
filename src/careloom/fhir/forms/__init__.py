"""Questionnaires: filled in from the record, and taken apart into resources."""
