"""Which keys may stand in which part of a definition: the schema that re-nesting goes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from careloom.workflows.definition.canonical import WORKFLOW_KEYS
from careloom.workflows.definition.model import HOLDER_KEYS, HOLDERS, STEP_KEYS

ElementKind = Callable[[str, tuple[str, ...]], Literal["object", "primitive", "list"] | None]
"""What the element at a path of a resource type is; None when there is no such element."""
StepParameters = Callable[[str], frozenset[str] | None]

_TRIGGER = frozenset(
    {"type", "event", "filter", "where", "cron", "timezone", "overlap", "catchUp"}
    | {"path", "secret", "bucket", "contentType", "use"}
)
_RETRY = frozenset({"attempts", "initial", "initial_s", "factor", "max", "max_s", "jitter"})
_PARAMETERS = {
    "worker": frozenset({"worker", "model", "input", "session"}),
    "model": frozenset({"model", "input", "file"}),
    "document": frozenset({"action", "file", "input"}),
    "fhir": frozenset({"action", "resourceType", "data", "query", "criteria", "ifNoneExist"}),
    "bot": frozenset({"tool", "params", "connection"}),
    "if": frozenset({"condition"}),
    "switch": frozenset({"value"}),
    "parallel": frozenset({"join"}),
    "foreach": frozenset({"items", "concurrency", "maxItems", "onItemError", "collect"}),
    "workflow": frozenset({"workflow", "input", "version", "wait"}),
    "wait": frozenset({"duration", "until", "event", "key"}),
    "task": frozenset({"title", "show", "form", "queue", "assignee", "priority", "due", "expires"}),
    "pipeline": frozenset({"pipeline", "action", "resourceType", "params"}),
}
_LISTS_OF_STEPS = frozenset({"then", "else", "default", "steps", "fallback", "compensate"})
_ONLY_OF = {
    key: frozenset(kind for kind, keys in HOLDERS.items() if key in keys) for key in HOLDER_KEYS
}
"""Keys with steps below them, and the step types that have them."""
_WEAK = frozenset({"id", "type", "name", "description"})
"""Step keys that are also likely names of a parameter."""


@dataclass(frozen=True, slots=True)
class Block:
    """A key (or list item) under which further lines may stand."""

    kind: str
    """root, workflow, trigger, steps, step, cases, retry, concurrency, fhir or free."""
    label: str
    """How receipts name it: trigger, steps/analyze-image …"""
    key: str
    key_indent: int
    """Indentation of its own line as written; children may not stand further left."""
    out_indent: int
    """Indentation of its children as they will be written."""
    shape: Literal["", "map", "list", "words"] = ""
    """Unknown until the first child; words is a list of plain values."""
    child_indent: int | None = None
    keys: frozenset[str] = frozenset()
    step_type: str = ""
    resource_type: str = ""
    path: tuple[str, ...] = ()
    first_key: str = ""
    """The key with which the first item of a free list begins."""

    def with_key(self, key: str, value: str) -> Block:
        """The same block after one more key."""
        block = replace(self, keys=self.keys | {key}, shape=self.shape or "map")
        if self.kind == "step" and key == "type":
            return replace(block, step_type=value)
        if self.kind == "step" and key == "resourceType":
            return replace(block, resource_type=value)
        return block


@dataclass(frozen=True, slots=True)
class Nesting:
    """Answers which keys a block takes and what stands below a key."""

    element_kind: ElementKind | None = None
    step_parameters: StepParameters | None = None

    def takes(self, block: Block, key: str) -> bool:
        """True when the key is known in that block."""
        match block.kind:
            case "root":
                if "workflow" in block.keys:
                    return False
                return (key == "workflow" and not block.keys) or key in WORKFLOW_KEYS
            case "workflow":
                return key in WORKFLOW_KEYS
            case "trigger":
                return key in _TRIGGER
            case "retry":
                return key in _RETRY
            case "concurrency":
                return key in ("limit", "key")
            case "step":
                types = _ONLY_OF.get(key)
                if types is not None and block.step_type and block.step_type not in types:
                    return False
                own = key in STEP_KEYS or key in ("on_error", "use")
                return own or key in self.parameters(block)
            case "fhir":
                return self.element(block, key) is not None
            case "steps":
                return False
            case _:
                return True

    def parameters(self, block: Block) -> frozenset[str]:
        """The parameters of a step; of every type while its type is not read yet."""
        if not block.step_type:
            return frozenset().union(*_PARAMETERS.values())
        known = self.step_parameters(block.step_type) if self.step_parameters else None
        return (known or frozenset()) | _PARAMETERS.get(block.step_type, frozenset())

    def element(self, block: Block, key: str) -> str | None:
        """The kind of a FHIR element. An inner `id` is Element.id, which nobody writes by hand."""
        if key == "id" and block.path:
            return None
        if key == "resourceType":
            return None if block.path else "primitive"
        assert self.element_kind is not None, "fhir blocks are only made with the definitions"
        return self.element_kind(block.resource_type, (*block.path, key))

    def takes_item(self, block: Block, key: str | None) -> bool:
        """True when a list item that begins with this key (None: a plain value) fits."""
        if block.kind == "steps":
            return key in STEP_KEYS or key == "use"
        if block.kind == "fhir":
            return key is None or self.element(block, key) is not None
        if block.kind != "free":
            return False
        if not block.shape:
            return True
        return block.shape == "words" if key is None else key == block.first_key

    def below(self, parent: Block, key: str, indent: int) -> Block | None:
        """The block that a key with nothing behind it opens, or None when nothing may follow."""
        block = Block("free", f"{parent.label}/{key}", key, indent, parent.out_indent + 2)
        if parent.kind in ("root", "workflow"):
            return self._below_workflow(block, key)
        if parent.kind == "step":
            return self._below_step(block, parent, key)
        if parent.kind == "cases":
            return replace(block, kind="steps", label=parent.label)
        if parent.kind == "fhir":
            if self.element(parent, key) == "primitive":
                return None
            path = (*parent.path, key)
            return replace(
                block,
                kind="fhir",
                resource_type=parent.resource_type,
                path=path,
                label=parent.label,
            )
        return replace(block, label=parent.label) if parent.kind == "free" else None

    def _below_workflow(self, block: Block, key: str) -> Block | None:
        kinds = {"workflow": "workflow", "trigger": "trigger", "steps": "steps"}
        kinds["concurrency"] = "concurrency"
        if key not in kinds and key not in ("input", "inputSchema", "output", "result"):
            return None
        return replace(block, kind=kinds.get(key, "free"), label="" if key == "workflow" else key)

    def _below_step(self, block: Block, parent: Block, key: str) -> Block | None:
        block = replace(block, label=parent.label)
        if key in _LISTS_OF_STEPS:
            return replace(block, kind="steps", label=f"{parent.label}/{key}")
        if key in ("cases", "branches"):
            return replace(block, kind="cases")
        if key == "retry":
            return replace(block, kind=key)
        if key in STEP_KEYS or key == "on_error":
            return None
        if key == "data" and parent.step_type == "fhir" and parent.resource_type:
            known = self.element_kind is not None
            return replace(
                block, kind="fhir" if known else "free", resource_type=parent.resource_type
            )
        return block

    def item(self, block: Block, key: str, value: str, indent: int) -> Block:
        """The block of a list item that begins with a key."""
        kind = "step" if block.kind == "steps" else block.kind
        label = f"{block.label}/{value}" if kind == "step" and key == "id" else block.label
        made = Block(
            kind,
            label,
            "-",
            indent,
            block.out_indent + 2,
            resource_type=block.resource_type,
            path=block.path,
        )
        return made.with_key(key, value)

    def sensible(self, blocks: list[Block], key: str) -> list[Block]:
        """Of the blocks that take a key, innermost first, those a careful reader would consider.

        A step's own keys are the step's even where free parameters stand before them; the keys of
        the workflow come before its steps; what remains double is an ambiguity.
        """
        rigid = [b for b in blocks if b.kind in ("step", "trigger", "retry", "concurrency")][:1]
        loose = [b for b in blocks if b.kind in ("free", "cases")]
        outer = [b for b in blocks if b.kind in ("workflow", "root")][:1]
        fhir = [b for b in blocks if b.kind == "fhir"]
        if key in ("trigger", "triggers", "steps", "workflow") and outer:
            return outer
        if rigid and key not in _WEAK:
            loose = []
        return [*loose, *fhir, *rigid] or outer
