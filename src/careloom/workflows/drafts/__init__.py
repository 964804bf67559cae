"""Drafts of workflows: kept with their history, tried step by step, tested, and published."""

from careloom.workflows.drafts.content import Content, read_content
from careloom.workflows.drafts.service import DraftConflict, Drafts

__all__ = ["Content", "DraftConflict", "Drafts", "read_content"]
