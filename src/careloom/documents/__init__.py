"""Documents: from the bytes of a referral to text, fields, urgency and specialty."""

from __future__ import annotations

from careloom.documents.document import Document, Limits, Line, Page, sniff
from careloom.documents.extraction import Found, Patient, Referral, Vitals, extract_referral
from careloom.documents.news2 import News2
from careloom.documents.reader import DocumentReader, read_document
from careloom.documents.triage import SpecialtyModel, Triage, UrgencyModel, triage

__all__ = [
    "Document",
    "DocumentReader",
    "Found",
    "Limits",
    "Line",
    "News2",
    "Page",
    "Patient",
    "Referral",
    "SpecialtyModel",
    "Triage",
    "UrgencyModel",
    "Vitals",
    "extract_referral",
    "read_document",
    "sniff",
    "triage",
]
