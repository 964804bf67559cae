"""`{{ }}` templates and bare conditions: compiled once, rendered often.

A lone `{{path}}` keeps the JSON type of what it names. Inside a text only texts, numbers and truth
values may stand; an object, a list of several or null there is an error, never an empty string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from careloom.types import Json
from careloom.workflows.expressions.errors import LIMIT, ExpressionError
from careloom.workflows.expressions.evaluate import Compiler, Evaluation, truth
from careloom.workflows.expressions.navigation import exact, missing
from careloom.workflows.expressions.syntax import THIS, Path, parse
from careloom.workflows.expressions.values import checked_text, kind, single, text_of

MAX_TEMPLATE_DEPTH = 64
MAX_TEMPLATE_TEXT = 1_000_000

Reference = tuple[str, ...]
Context = Mapping[str, Json]
_Render = Callable[[Context], Json]


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression."""

    text: str
    evaluate: _Render
    """One value with its JSON type; None for nothing, a list for several items."""
    collect: Callable[[Context], list[Json]]
    """All items."""
    references: frozenset[Reference]
    """Every path it reads, indexes left out: ("steps", "analyze-image", "output", "label")."""
    required: frozenset[Reference]
    """Those that must exist for it to have an answer."""


@dataclass(frozen=True, slots=True)
class Template:
    """A JSON value with `{{ }}` in its texts."""

    value: Json
    references: frozenset[Reference]
    required: frozenset[Reference]
    constant: bool
    """True when nothing in it has to be evaluated."""
    _render: _Render

    def render(self, context: Context) -> Json:
        """The value with every expression answered; raises ExpressionError with its place."""
        return self._render(context)


@dataclass(frozen=True, slots=True)
class Condition:
    """A bare expression that is true or false; nothing counts as false."""

    text: str
    expression: Expression
    constant: bool | None
    """Its answer when that depends on nothing."""

    @property
    def references(self) -> frozenset[Reference]:
        """Every path it reads."""
        return self.expression.references

    def holds(self, context: Context) -> bool:
        """True or false; raises ExpressionError for any other value."""
        try:
            return bool(truth(self.expression.collect(context), "the condition"))
        except ExpressionError as error:
            raise _marked(error, self.text) from None


def _marked(error: ExpressionError, text: str) -> ExpressionError:
    error.expression = error.expression or text
    return error


@lru_cache(maxsize=8192)
def compile_expression(text: str, *, focus: bool = False) -> Expression:
    """A bare expression; raises ExpressionError when it cannot be read.

    With `focus`, bare names are read from `current`, the resource at hand (trigger filters).
    """
    try:
        tree = parse(text, focus=focus)
        compiler = Compiler()
        run = compiler.compile(tree)
    except ExpressionError as error:
        raise _marked(error, text) from None

    def collect(context: Context) -> list[Json]:
        this = [context["current"]] if focus and context.get("current") is not None else []
        return run(Evaluation(context), this)

    def evaluate(context: Context) -> Json:
        items = collect(context)
        return items[0] if len(items) == 1 else (list(items) or None)

    plain = isinstance(tree, Path) and tree.root != THIS
    return Expression(
        text,
        _plain(tree) if plain and isinstance(tree, Path) else evaluate,
        collect,
        frozenset(compiler.references),
        frozenset(compiler.required),
    )


_DATA = (str, int, float, bool, dict, list, type(None))


def _plain(path: Path) -> _Render:
    root, parts = path.root, path.parts

    def read(context: Context) -> Json:
        # The common case in a tight loop: objects all the way down.
        value = context.get(root)
        for part in parts:
            if type(value) is not dict or part not in value:
                return thorough(context)
            value = value[part]
        return value if type(value) in _DATA and value is not None else thorough(context)

    def thorough(context: Context) -> Json:
        if root not in context:
            raise missing(root, parts, -1, None)
        value = exact(context[root], root, parts)
        kind(value)
        return value

    return read


def evaluate(text: str, context: Context) -> Json:
    """The answer of a bare expression: one value, None for nothing, a list for several items."""
    return _guarded(compile_expression(text), context)


def evaluate_collection(text: str, context: Context) -> list[Json]:
    """The answer of a bare expression as a list of items."""
    expression = compile_expression(text)
    try:
        return expression.collect(context)
    except ExpressionError as error:
        raise _marked(error, text) from None


def _guarded(expression: Expression, context: Context) -> Json:
    try:
        return expression.evaluate(context)
    except ExpressionError as error:
        raise _marked(error, expression.text) from None


@lru_cache(maxsize=4096)
def compile_condition(text: str, *, focus: bool = False) -> Condition:
    """A condition as `when:` has it, with or without `{{ }}` around the whole."""
    bare = text.strip()
    if bare.startswith("{{") and bare.endswith("}}") and bare.count("{{") == 1:
        bare = bare[2:-2].strip()
    expression = compile_expression(bare, focus=focus)
    constant: bool | None = None
    if not expression.references and "(" not in bare and not focus:
        constant = bool(truth(expression.collect({}), "the condition"))
    return Condition(bare, expression, constant)


def compile_template(value: Json) -> Template:
    """Compiles every `{{ }}` in a JSON value; raises ExpressionError naming the place."""
    found: list[Expression] = []
    render = _compile(value, "", 0, found)
    return Template(
        value,
        frozenset().union(*(one.references for one in found)),
        frozenset().union(*(one.required for one in found)),
        not found,
        render or (lambda context: value),
    )


def _compile(value: Json, at: str, depth: int, found: list[Expression]) -> _Render | None:
    if depth > MAX_TEMPLATE_DEPTH:
        raise ExpressionError(
            f"nested more than {MAX_TEMPLATE_DEPTH} deep", code=LIMIT, path=at, fix="flatten it"
        )
    if isinstance(value, str):
        return _compile_text(value, at, found)
    if isinstance(value, dict):
        return _compile_object(value, at, depth, found)
    if isinstance(value, list):
        return _compile_list(value, at, depth, found)
    return None


def _compile_object(
    value: dict[str, Json], at: str, depth: int, found: list[Expression]
) -> _Render | None:
    parts: dict[str, _Render] = {}
    for key, item in value.items():
        if "{{" in key:
            raise ExpressionError(
                "a name cannot be an expression", path=at, fix="write the name as plain text"
            )
        render = _compile(item, f"{at}/{key}" if at else key, depth + 1, found)
        if render:
            parts[key] = render
    if not parts:
        return None
    return lambda context: {
        key: parts[key](context) if key in parts else item for key, item in value.items()
    }


def _compile_list(
    value: list[Json], at: str, depth: int, found: list[Expression]
) -> _Render | None:
    renders = [
        _compile(item, f"{at}/{i}" if at else str(i), depth + 1, found)
        for i, item in enumerate(value)
    ]
    if not any(renders):
        return None
    return lambda context: [
        render(context) if render else item for render, item in zip(renders, value, strict=True)
    ]


def _compile_text(text: str, at: str, found: list[Expression]) -> _Render | None:
    if "{{" not in text:
        return None
    try:
        pieces = split_template(text)
        parts = [piece if plain else compile_expression(piece.strip()) for piece, plain in pieces]
    except ExpressionError as error:
        raise error.within(at) from None
    found.extend(part for part in parts if isinstance(part, Expression))
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return _located(_lone(parts[0]), at)
    return _located(_text(parts), at)


def _lone(expression: Expression) -> _Render:
    return lambda context: _guarded(expression, context)


def _located(render: _Render, at: str) -> _Render:
    def run(context: Context) -> Json:
        try:
            return render(context)
        except ExpressionError as error:
            raise error.within(f"{at}: {error.path}" if error.path else at) from None

    return run


def _text(parts: list[str | Expression]) -> _Render:
    def render(context: Context) -> Json:
        return checked_text("".join(_part(part, context) for part in parts))

    return render


def _part(part: str | Expression, context: Context) -> str:
    if isinstance(part, str):
        return part
    value = _guarded(part, context)
    what = f"{{{{ {part.text} }}}}"
    return text_of(single(value, what) if isinstance(value, list) else value, what)


@lru_cache(maxsize=4096)
def split_template(text: str) -> tuple[tuple[str, bool], ...]:
    """The pieces of a text: (plain text, True) or (expression, False)."""
    if len(text) > MAX_TEMPLATE_TEXT:
        raise ExpressionError("the text is too long for a template", code=LIMIT, fix="shorten it")
    pieces: list[tuple[str, bool]] = []
    at = 0
    while True:
        start = text.find("{{", at)
        if start < 0:
            break
        if start > at:
            pieces.append((text[at:start], True))
        end = _closing(text, start + 2)
        pieces.append((text[start + 2 : end], False))
        at = end + 2
    if at < len(text):
        pieces.append((text[at:], True))
    return tuple(pieces)


def _closing(text: str, at: int) -> int:
    quote = ""
    while at < len(text):
        sign = text[at]
        if quote and sign == "\\":
            at += 1
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif text.startswith("}}", at):
            return at
        at += 1
    raise ExpressionError("{{ is not closed", expression=text, fix="add }} after the expression")
