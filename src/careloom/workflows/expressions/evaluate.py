"""A tree to closures, compiled once; running them touches JSON only.

Every value inside is a collection (a list), as in FHIRPath. What the workflow promises to hand over
(`trigger.X`, `steps.X.output.Y`, `run.X`, `session.X`) must exist; deeper down, in the data, a name
that is not there gives nothing, as FHIRPath says. Under exists(), empty(), count(), coalesce() and
default() nothing has to exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from careloom.types import Json
from careloom.workflows.expressions.errors import LIMIT, MISSING, SYNTAX, TYPE, ExpressionError
from careloom.workflows.expressions.functions import FUNCTIONS, LAZY, Items
from careloom.workflows.expressions.navigation import (
    add,
    at_index,
    members,
    missing,
)
from careloom.workflows.expressions.syntax import (
    STANDALONE,
    THIS,
    Binary,
    Call,
    Index,
    Literal,
    Member,
    Negative,
    Node,
    Path,
)
from careloom.workflows.expressions.values import (
    all_equal,
    arithmetic,
    checked_number,
    checked_text,
    equal,
    kind,
    order,
    single,
    text_of,
    weight,
)

MAX_STEPS = 100_000
"""Elementary steps in one evaluation."""
PROMISED = {
    "trigger": 1,
    "run": 1,
    "session": 1,
    "item": 0,
    "index": 0,
    "loops": 2,
    "steps": 3,
    "current": 0,
}
"""How many names after a root must exist."""
FORGIVING = frozenset({"exists", "empty", "count", "coalesce", "default"})


@dataclass(slots=True)
class Evaluation:
    """One evaluation: what may be read, and how much work is left."""

    context: Mapping[str, Json]
    left: int = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Counts work against the budget."""
        self.left -= steps
        if self.left < 0:
            raise ExpressionError(
                f"the expression took more than {MAX_STEPS} steps",
                code=LIMIT,
                fix="filter earlier, or do this work in a step",
            )

    def now(self) -> str:
        """The run's clock: `run.now`, or the time at which the run began."""
        run = self.context.get("run")
        value = run.get("now", run.get("createdAt")) if isinstance(run, Mapping) else None
        if not isinstance(value, str):
            raise ExpressionError(
                "the run's clock is not set",
                code=MISSING,
                path="run.now",
                fix="today() and now() work inside a run only",
            )
        return value


Run = Callable[[Evaluation, Items], Items]
"""A compiled node: the evaluation and `$this` in, a collection out."""


@dataclass(slots=True)
class Compiler:
    """Turns nodes into closures and notes what they read."""

    references: set[tuple[str, ...]] = field(default_factory=set)
    required: set[tuple[str, ...]] = field(default_factory=set)

    def compile(self, node: Node, lenient: bool = False) -> Run:
        """The closure of a node; `lenient` when nothing has to exist."""
        match node:
            case Literal(value):
                items = [] if value is None else [value]
                return lambda ev, this: items
            case Path():
                return self.path(node, lenient)
            case Member(of, name):
                return _member(self.compile(of, lenient), name)
            case Index(of, index):
                return _index(self.compile(of, lenient), self.compile(index, lenient))
            case Negative(of):
                return _negative(self.compile(of, lenient))
            case Binary(op, left, right):
                return _binary(op, self.compile(left, lenient), self.compile(right, lenient))
            case Call():
                return self.call(node, lenient)

    def path(self, node: Path, lenient: bool) -> Run:
        """A root and its names."""
        if node.root == THIS:
            return _walk_this(node.parts)
        self.note(node, lenient)
        promised = 0 if lenient else PROMISED.get(node.root, 0)
        return _walk(node.root, node.parts, promised)

    def note(self, node: Path, lenient: bool) -> None:
        """Remembers a path for verification."""
        reference = (node.root, *(part for part in node.parts if isinstance(part, str)))
        self.references.add(reference)
        if not lenient:
            self.required.add(reference)

    def call(self, node: Call, lenient: bool) -> Run:
        """A function of the table."""
        name = node.name
        _check_arguments(node)
        if name in LAZY:
            return self.lazy(node, lenient)
        inner = lenient or name in FORGIVING
        subject = self.compile(node.of, inner) if node.of else _nothing
        args = [self.compile(arg, lenient) for arg in node.args]
        apply = FUNCTIONS[name].apply

        def run(ev: Evaluation, this: Items) -> Items:
            ev.spend(1)
            return apply(ev, subject(ev, this), [arg(ev, this) for arg in args])

        return run

    def lazy(self, node: Call, lenient: bool) -> Run:
        """A function that decides which arguments it computes."""
        name, inner = node.name, lenient or node.name in FORGIVING
        subject = self.compile(node.of, inner) if node.of else None
        args = [self.compile(arg, inner) for arg in node.args]
        if name in ("coalesce", "default"):
            return _coalesce([subject, *args] if subject else args)
        if name == "iif":
            return _iif(args)
        assert subject is not None, "only coalesce, default and iif stand alone"
        if name == "select":
            return _select(subject, args[0])
        if name == "where":
            return _where(subject, args[0])
        return _quantified(name, subject, args[0] if args else None)


def _check_arguments(node: Call) -> None:
    if node.name in LAZY:
        least, most = LAZY[node.name]
    elif node.name in FUNCTIONS:
        least, most = FUNCTIONS[node.name].least, FUNCTIONS[node.name].most
    else:
        raise ExpressionError(
            f"there is no function {node.name}() (position {node.at})",
            position=node.at,
            fix="the functions are " + ", ".join(sorted([*FUNCTIONS, *LAZY])),
        )
    if not least <= len(node.args) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise ExpressionError(
            f"{node.name}() takes {wanted} arguments, not {len(node.args)}",
            position=node.at,
            fix="see docs/reference/expressions.md",
        )
    alone = node.of is None and not (node.name == "not" and node.args)
    if alone and (node.name not in STANDALONE or node.name == "not"):
        raise ExpressionError(
            f"{node.name}() needs something to its left",
            code=SYNTAX,
            position=node.at,
            fix=f"write trigger.resource.{node.name}(…)",
        )


def _nothing(ev: Evaluation, this: Items) -> Items:
    return []


def _walk(root: str, parts: tuple[str | int, ...], promised: int) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        value: Json = ev.context.get(root)
        if value is None and promised and root not in ev.context:
            raise missing(root, parts, -1, None)
        for count, part in enumerate(parts[:promised]):
            if not (isinstance(part, str) and isinstance(value, dict) and part in value):
                raise missing(root, parts, count, value)
            value = value[part]
        return _follow(ev, value, parts[promised:])

    return run


def _walk_this(parts: tuple[str | int, ...]) -> Run:
    return lambda ev, this: _follow(ev, this, parts)


def _follow(ev: Evaluation, value: Json, parts: tuple[str | int, ...]) -> Items:
    items: Items = []
    add(items, value)
    ev.spend(1 + len(items))
    for part in parts:
        items = members(items, part) if isinstance(part, str) else at_index(items, part)
        ev.spend(1 + len(items))
    for item in items:
        kind(item)
    return items


def _member(of: Run, name: str) -> Run:
    return lambda ev, this: _follow(ev, of(ev, this), (name,))


def _index(of: Run, index: Run) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        ev.spend(1)
        return at_index(of(ev, this), single(index(ev, this), "the index"))

    return run


def _negative(of: Run) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        ev.spend(1)
        value = single(of(ev, this), "the number after -")
        return [] if value is None else [-checked_number(value)]

    return run


def truth(items: Items, what: str) -> bool | None:
    """True, false, or None for nothing; any other value is an error."""
    value = single(items, what)
    if value is None or isinstance(value, bool):
        return value
    raise ExpressionError(
        f"{what} is {kind(value)}, not true or false",
        code=TYPE,
        fix="compare it (= 'x'), or ask .exists()",
    )


def _logic(op: str, a: bool | None, b: bool | None) -> bool | None:
    if op == "and":
        return False if a is False or b is False else (None if None in (a, b) else True)
    if op == "or":
        return True if a is True or b is True else (None if None in (a, b) else False)
    if op == "implies":
        return _logic("or", None if a is None else not a, b)
    return None if a is None or b is None else a != b


_DECIDES = {("and", False): False, ("or", True): True, ("implies", False): True}


def _logical(op: str, left: Run, right: Run) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        ev.spend(1)
        a = truth(left(ev, this), f"the left of {op}")
        if a is not None and (op, a) in _DECIDES:
            return [_DECIDES[op, a]]
        result = _logic(op, a, truth(right(ev, this), f"the right of {op}"))
        return [] if result is None else [result]

    return run


def _binary(op: str, left: Run, right: Run) -> Run:
    if op in ("and", "or", "xor", "implies"):
        return _logical(op, left, right)
    work = _OPERATORS[op]
    weighed = work in (_equality, _membership)

    def run(ev: Evaluation, this: Items) -> Items:
        a, b = left(ev, this), right(ev, this)
        ev.spend(1 + (weight(a) + weight(b) if weighed else len(a) + len(b)))
        result = work(ev, op, a, b)
        return [] if result is None else [result]

    return run


Work = Callable[[Evaluation, str, Items, Items], Json]


def _equality(ev: Evaluation, op: str, a: Items, b: Items) -> Json:
    loose = op in ("~", "!~")
    if not loose and not (a and b):
        return None
    return all_equal(a, b, loose=loose) != op.startswith("!")


def _comparison(ev: Evaluation, op: str, a: Items, b: Items) -> Json:
    left, right = single(a, f"the left of {op}"), single(b, f"the right of {op}")
    if left is None or right is None:
        return None
    found = order(left, right)
    if found is None:
        return None
    return (found < 0 and "<" in op) or (found > 0 and ">" in op) or (found == 0 and "=" in op)


def _membership(ev: Evaluation, op: str, a: Items, b: Items) -> Json:
    items, wanted = (b, a) if op == "in" else (a, b)
    value = single(wanted, f"the single value of {op}")
    return None if value is None else any(equal(value, item) for item in items)


def _concatenation(ev: Evaluation, op: str, a: Items, b: Items) -> Json:
    parts = [single(items, f"the {side} of &") for items, side in ((a, "left"), (b, "right"))]
    texts = ["" if part is None else text_of(part, "an operand of &") for part in parts]
    ev.spend(sum(map(len, texts)) // 64)
    return checked_text("".join(texts))


def _arithmetic(ev: Evaluation, op: str, a: Items, b: Items) -> Json:
    left, right = single(a, f"the left of {op}"), single(b, f"the right of {op}")
    return None if left is None or right is None else arithmetic(op, left, right)


_OPERATORS: dict[str, Work] = {
    **dict.fromkeys(("=", "!=", "~", "!~"), _equality),
    **dict.fromkeys(("<", ">", "<=", ">="), _comparison),
    **dict.fromkeys(("in", "contains"), _membership),
    **dict.fromkeys(("+", "-", "*", "/", "div", "mod"), _arithmetic),
    "&": _concatenation,
}


def _coalesce(choices: list[Run]) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        for choice in choices:
            ev.spend(1)
            items = choice(ev, this)
            if items:
                return items
        return []

    return run


def _iif(args: list[Run]) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        ev.spend(1)
        if truth(args[0](ev, this), "the condition of iif()"):
            return args[1](ev, this)
        return args[2](ev, this) if len(args) == 3 else []

    return run


def _select(subject: Run, arg: Run) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        out: Items = []
        for item in subject(ev, this):
            ev.spend(1)
            out.extend(arg(ev, [item]))
        return out

    return run


def _where(subject: Run, arg: Run) -> Run:
    def run(ev: Evaluation, this: Items) -> Items:
        out: Items = []
        for item in subject(ev, this):
            ev.spend(1)
            if truth(arg(ev, [item]), "the condition of where()"):
                out.append(item)
        return out

    return run


def _quantified(name: str, subject: Run, arg: Run | None) -> Run:
    every = name == "all"

    def run(ev: Evaluation, this: Items) -> Items:
        items = subject(ev, this)
        if arg is None:
            return [bool(items)]
        for item in items:
            ev.spend(1)
            if bool(truth(arg(ev, [item]), f"the condition of {name}()")) != every:
                return [not every]
        return [every]

    return run
