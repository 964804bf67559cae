"""What a step may read of the others: branches, loops, fallbacks and compensations have borders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from careloom.workflows.verification.finding import Finding, did_you_mean, error, warning
from careloom.workflows.verification.flow import Inside, Place, Read

_LOOP_KEYS = ("item", "index")


@dataclass(frozen=True, slots=True)
class Reader:
    """Where a text stands that reads: a step, a loop's `collect`, or the workflow's output."""

    index: int
    """Everything before it in reading order may have run."""
    parents: tuple[Inside, ...]
    condition: str | None = None
    guards: tuple[Place, ...] = ()
    """Steps whose conditions held when the text is read: the step itself and those around it."""


def reader_of(place: Place, read: Read, all_places: list[Place]) -> Reader:
    """The reader of one of a step's paths."""
    around = (place, *(all_places[inside.owner] for inside in place.parents))
    if read.per_item:
        inner = Inside(place.index, "steps", "loop")
        return Reader(place.last + 1, (*place.parents, inner), place.step.condition, around)
    return Reader(place.index, place.parents, place.step.condition, around)


def check_loop_root(
    path: str, reference: tuple[str, ...], reader: Reader, all_places: list[Place]
) -> Iterator[Finding]:
    """`item`, `index` and `loops.<id>` exist inside loops only."""
    loops = [all_places[one.owner].step.id for one in reader.parents if one.kind == "loop"]
    root = reference[0]
    if root in _LOOP_KEYS and not loops:
        yield error(
            "E-REFROOT",
            path,
            f"{root} does not exist here",
            cause=f"{root} belongs to the steps of a foreach",
            fix="read trigger, steps, run or session",
        )
    if root != "loops" or len(reference) < 2:
        return
    if reference[1] not in loops:
        yield error(
            "E-REFROOT",
            path,
            f"no loop {reference[1]!r} is around this step",
            cause="loops.<id> reads the item of a foreach that the step stands in",
            fix=did_you_mean(reference[1], loops, "name a foreach around the step"),
        )
    elif len(reference) > 2 and reference[2] not in _LOOP_KEYS:
        yield error(
            "E-REFSHAPE",
            path,
            f"a loop has item and index, not {reference[2]!r}",
            cause="the parts of an item stand under item",
            fix=f"write loops.{reference[1]}.item.{reference[2]}",
        )


def check_scope(
    path: str, read: Read, reader: Reader, target: Place, all_places: list[Place]
) -> Iterator[Finding]:
    """Whether the target has run, and can be seen, when the text is read."""
    own = [inside for inside in reader.parents if inside.owner == target.index]
    if own:
        yield from _unfinished(path, read, own[0], target)
        return
    shared = _shared(reader.parents, target.parents)
    mine, theirs = reader.parents[shared:], target.parents[shared:]
    apart = bool(mine and theirs and mine[0].owner == theirs[0].owner)
    if theirs and apart and not _may_look(mine[0], theirs[0]):
        yield _other_branch(path, target, mine[0], theirs[0], all_places)
        return
    hidden = next((inside for inside in theirs if inside.kind in ("loop", "undo")), None)
    if hidden is not None:
        yield _hidden(path, target, hidden, all_places)
        return
    undoing = any(inside.kind == "undo" for inside in reader.parents)
    if target.index >= reader.index and not undoing:
        yield error(
            "E-REFORDER",
            path,
            f"step {target.step.id!r} comes later",
            cause="a step can only read what ran before it",
            fix=f"move step {target.step.id!r} before this one",
        )
        return
    later = target.index >= reader.index
    sure = not later and all(_surely(inside, all_places) for inside in theirs)
    if read.required and not (sure and _unconditional(target, reader)):
        yield from _maybe(path, reader, target)


def _shared(mine: tuple[Inside, ...], theirs: tuple[Inside, ...]) -> int:
    count = 0
    while count < min(len(mine), len(theirs)) and mine[count] == theirs[count]:
        count += 1
    return count


def _may_look(mine: Inside, theirs: Inside) -> bool:
    """A fallback or a compensation comes after what the step did, but may not find it done."""
    if theirs.kind in ("loop", "undo"):
        return True  # answered as hidden
    return mine.kind == "undo" or (mine.kind == "fallback" and theirs.kind != "fallback")


def _unfinished(path: str, read: Read, inside: Inside, target: Place) -> Iterator[Finding]:
    part = read.reference[2] if len(read.reference) > 2 else ""
    identity = target.step.id
    if inside.kind == "fallback" and part == "output":
        yield error(
            "E-REFORDER",
            path,
            f"step {identity!r} has failed and has no output",
            cause="its fallback runs because it failed",
            fix=f"read steps.{identity}.error, or a step before it",
        )
    elif inside.kind in ("loop", "parallel") and part in ("output", "outcome", "error"):
        yield error(
            "E-REFORDER",
            path,
            f"step {identity!r} has not ended when the steps inside it run",
            cause="its output is there when all its steps have run",
            fix="read item, or the steps before this one",
        )


def _other_branch(
    path: str, target: Place, mine: Inside, theirs: Inside, all_places: list[Place]
) -> Finding:
    owner = all_places[theirs.owner].step.id
    if theirs.kind == "parallel":
        cause = "the branches of a parallel step run at the same time"
        fix = f"read it after {owner!r}, where all branches have ended"
    elif theirs.kind == "fallback":
        cause = "a fallback runs only after its step has failed"
        fix = "read a step of the same list, or one before it"
    else:
        cause = "only one branch of an if or switch runs"
        fix = "read a step of the same branch, or one before the branches"
    return error(
        "E-REFBRANCH",
        path,
        f"step {target.step.id!r} is in another branch of {owner!r}",
        cause=cause,
        fix=fix,
    )


def _hidden(path: str, target: Place, hidden: Inside, all_places: list[Place]) -> Finding:
    owner = all_places[hidden.owner].step.id
    if hidden.kind == "loop":
        cause = f"it runs once for each item of the loop {owner!r}"
        fix = f"read steps.{owner}.output.results, and choose its value with collect:"
    else:
        cause = f"it runs only when step {owner!r} is undone"
        fix = f"read steps.{owner}.output"
    return error(
        "E-REFSCOPE",
        path,
        f"step {target.step.id!r} cannot be seen from here",
        cause=cause,
        fix=fix,
    )


def _surely(inside: Inside, all_places: list[Place]) -> bool:
    """True when the list has surely run where its step has."""
    step = all_places[inside.owner].step
    if inside.kind != "parallel" or step.params.get("join", "all") != "all":
        return False
    return step.condition is None and step.on_error == "fail" and not step.fallback


def _unconditional(target: Place, reader: Reader) -> bool:
    return target.step.condition in (None, reader.condition) and target.step.on_error == "fail"


def _maybe(path: str, reader: Reader, target: Place) -> Iterator[Finding]:
    if any(_asks(guard, target) for guard in reader.guards):
        return
    step = target.step
    if step.on_error == "continue" and step.condition is None:
        cause = "onError: continue lets the run go on when it has failed"
    else:
        cause = "it stands in a branch or has a condition of its own"
    yield warning(
        "W-REFMAYBE",
        path,
        f"step {step.id!r} may not have run",
        cause=cause,
        fix=f"write coalesce(steps.{step.id}.output…, 'a default'), or ask its .outcome",
    )


def _asks(guard: Place, target: Place) -> bool:
    """True when a step asks whether another has run before it relies on it."""
    about = ("steps", target.step.id)
    return any(
        one.reference[:2] == about and (not one.required or one.reference[2:] == ("outcome",))
        for one in guard.reads
    )
