"""What is known of a language model: who serves it, what it may see, where it runs, what it costs.

`GET /api/models` shows it; docs/reference/models.md explains each key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from careloom.errors import InvalidInput
from careloom.types import Json, JsonObject

Provider = Literal["openai", "anthropic", "google", "ollama"]
PROVIDERS: tuple[Provider, ...] = ("openai", "anthropic", "google", "ollama")
"""Wire protocols. `openai` is spoken by vLLM, LM Studio, llama.cpp and Azure too; `ollama` is its
OpenAI-compatible address, under /v1."""
DataClass = Literal["phi", "deidentified", "none"]
DATA_CLASSES: tuple[DataClass, ...] = ("none", "deidentified", "phi")
"""What a model may see, least first."""
MEDIA = ("image", "document")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}", re.ASCII)
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_KEYS = frozenset(
    {
        *("provider", "connection", "model", "dataClass", "region", "contextLength", "takes"),
        *("price", "parameters", "timeout", "fallback", "description"),
    }
)
_PARAMETERS = {
    "temperature": (0.0, 2.0),
    "topP": (0.0, 1.0),
    "maxTokens": (1.0, 1_000_000.0),
    "seed": (0.0, 2**53),
}


@dataclass(frozen=True, slots=True)
class Price:
    """In the currency of the operator, per million tokens."""

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        return (self.input * input_tokens + self.output * output_tokens) / 1_000_000


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One configured model."""

    name: str
    provider: Provider
    connection: str
    model: str
    """The name by which the provider knows it."""
    data_class: DataClass = "none"
    region: str | None = None
    context_length: int = 8192
    takes: frozenset[str] = frozenset()
    price: Price | None = None
    parameters: JsonObject = field(default_factory=dict)
    timeout_s: float = 120.0
    fallback: str | None = None
    description: str | None = None

    def may_see(self, data_class: DataClass) -> bool:
        """Whether data of this class may be shown to it."""
        return DATA_CLASSES.index(self.data_class) >= DATA_CLASSES.index(data_class)

    @property
    def version(self) -> str:
        """Changes with every fact that an answer may depend on."""
        return hashlib.sha256(
            orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)
        ).hexdigest()[:12]

    def to_json(self) -> JsonObject:
        """As it is kept and shown."""
        return {
            "provider": self.provider,
            "connection": self.connection,
            "model": self.model,
            "dataClass": self.data_class,
            "region": self.region,
            "contextLength": self.context_length,
            "takes": sorted(self.takes),
            "price": None
            if self.price is None
            else {"input": self.price.input, "output": self.price.output},
            "parameters": self.parameters,
            "timeout": self.timeout_s,
            "fallback": self.fallback,
            "description": self.description,
        }


def read_facts(name: str, given: JsonObject) -> ModelFacts:
    """The facts as a request gives them. Raises InvalidInput with the place of the fault."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "A model's name is letters, digits, '.', '_', ':', '/' and '-', at most 128",
            path="name",
            code="model_name",
        )
    unknown = sorted(given.keys() - _KEYS)
    if unknown:
        raise _wrong(
            f"/{unknown[0]}", f"there is no such key; there are {', '.join(sorted(_KEYS))}"
        )
    takes = given.get("takes") or []
    if not isinstance(takes, list) or not set(takes) <= set(MEDIA):
        raise _wrong("/takes", f"it is a list of {' and '.join(MEDIA)}")
    region = given.get("region")
    if region is not None and not (isinstance(region, str) and _REGION.fullmatch(region)):
        raise _wrong("/region", "it is a short name of small letters, such as eu or on-premises")
    return ModelFacts(
        name=name,
        provider=_one_of(given, "provider", PROVIDERS),
        connection=_text(given, "connection", None),
        model=_text(given, "model", name.rpartition("/")[2]),
        data_class=_one_of(given, "dataClass", DATA_CLASSES, "none"),
        region=region,
        context_length=int(_number(given, "contextLength", 8192, 256, 10_000_000)),
        takes=frozenset(takes),
        price=_price(given.get("price")),
        parameters=_parameters(given.get("parameters") or {}),
        timeout_s=_number(given, "timeout", 120, 1, 600),
        fallback=_text(given, "fallback", None) if given.get("fallback") else None,
        description=_text(given, "description", None) if given.get("description") else None,
    )


def _price(given: Json) -> Price | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.keys() != {"input", "output"}:
        raise _wrong("/price", 'write {"input": 2.5, "output": 10}, per million tokens')
    return Price(
        _number(given, "input", None, 0, 1e6, "/price"),
        _number(given, "output", None, 0, 1e6, "/price"),
    )


def _parameters(given: Json) -> JsonObject:
    if not isinstance(given, dict):
        raise _wrong("/parameters", "it is an object")
    for name, value in given.items():
        if name not in _PARAMETERS:
            raise _wrong(f"/parameters/{name}", f"there are {', '.join(_PARAMETERS)}")
        _number(given, name, None, *_PARAMETERS[name], "/parameters")
        if name in ("maxTokens", "seed") and not isinstance(value, int):
            raise _wrong(f"/parameters/{name}", "it is a whole number")
    return dict(given)


def _one_of(given: JsonObject, key: str, known: tuple[Any, ...], default: Any = None) -> Any:
    value = given.get(key, default)
    if value not in known:
        raise _wrong(f"/{key}", f"it is one of {', '.join(known)}")
    return value


def _text(given: JsonObject, key: str, default: str | None) -> str:
    value = given.get(key, default)
    if not isinstance(value, str) or not 0 < len(value) <= 500:
        raise _wrong(f"/{key}", "it is a text of 1 to 500 characters")
    return value


def _number(
    given: JsonObject, key: str, default: float | None, least: float, most: float, below: str = ""
) -> float:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _wrong(f"{below}/{key}", f"it is a number from {least:g} to {most:g}")
    return float(value)


def _wrong(path: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"{path.lstrip('/')} of the model is not right: {what}", path=path, code="model_facts"
    )
