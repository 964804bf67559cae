"""The shipped workflows: inside the installed package, or beside the sources of a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from careloom.errors import NotFound


def template_names() -> list[str]:
    """The shipped workflows by file name without its ending."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def template(name: str) -> str:
    """The YAML of a shipped workflow; raises NotFound."""
    path = _folder() / f"{name}.yaml"
    if name not in template_names():
        raise NotFound(f"There is no template {name!r}", fix=f"use {', '.join(template_names())}")
    return path.read_text("utf-8")


def _folder() -> Path:
    installed = Path(str(files("careloom"))) / "templates"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "templates"
