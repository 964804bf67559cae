"""Definitions: YAML, JSON or an object in, one canonical model out."""

from careloom.workflows.definition.durations import parse_duration
from careloom.workflows.definition.errors import DefinitionError
from careloom.workflows.definition.model import (
    Definition,
    ParseResult,
    Receipt,
    RetryPolicy,
    StepDefinition,
    TriggerDefinition,
    content_hash,
)
from careloom.workflows.definition.nesting import ElementKind
from careloom.workflows.definition.parse import parse_definition

__all__ = [
    "Definition",
    "DefinitionError",
    "ElementKind",
    "ParseResult",
    "Receipt",
    "RetryPolicy",
    "StepDefinition",
    "TriggerDefinition",
    "content_hash",
    "parse_definition",
    "parse_duration",
]
