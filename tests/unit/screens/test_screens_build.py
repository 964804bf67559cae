"""When the screens are built again, and what becomes of a package without them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """hatch_build.py as hatchling loads it; hatchling itself is there only during a build."""
    monkeypatch.delenv("CARELOOM_REQUIRE_SCREENS", raising=False)
    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, hook: ModuleType) -> Path:
    """A checkout whose screens are built."""
    for name in ("package.json", "src/app.ts", "src/app.test.ts", "node_modules/x/index.js"):
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    built = tmp_path / "src" / "careloom" / "screens"
    built.mkdir(parents=True)
    (built / "index.html").write_text("older")
    (built / hook.STAMP).write_text(hook.fingerprint(tmp_path) + "\n")
    assert hook.is_built(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["package.json", "src/app.ts", "src/new.css"])
def test_a_changed_source_asks_for_a_build(hook: ModuleType, checkout: Path, name: str) -> None:
    (checkout / "web" / name).write_text("something else")
    assert not hook.is_built(checkout)


def test_a_renamed_source_asks_for_a_build(hook: ModuleType, checkout: Path) -> None:
    (checkout / "web/src/app.ts").rename(checkout / "web/src/main.ts")
    assert not hook.is_built(checkout)


@pytest.mark.parametrize("name", ["src/app.test.ts", "node_modules/x/index.js", ".DS_Store"])
def test_tests_and_fetched_packages_do_not(hook: ModuleType, checkout: Path, name: str) -> None:
    (checkout / "web" / name).write_text("something else")
    assert hook.is_built(checkout)


def test_times_do_not_count(hook: ModuleType, checkout: Path) -> None:
    os.utime(checkout / "web/src/app.ts", (1, 1))
    assert hook.is_built(checkout)


@pytest.fixture
def stale(checkout: Path) -> Path:
    """A checkout whose screens were built from other sources."""
    (checkout / "web/package-lock.json").write_text("{}")
    (checkout / "web/src/app.ts").write_text("something else")
    return checkout


@pytest.fixture
def node(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Puts a Node in place whose every command says something; None is a success, for which vite
    leaves a page."""
    monkeypatch.setattr(hook, "find_node", lambda: hook.Node("node", ("npm",)))

    def says(words: str | None) -> None:
        def run(web: Path, _: Any, *command: str) -> str | None:
            (web / "node_modules").mkdir(exist_ok=True)
            if words is None and "--outDir" in command:
                folder = Path(command[command.index("--outDir") + 1])
                folder.mkdir()
                (folder / "index.html").write_text("newer")
            return words

        monkeypatch.setattr(hook, "_run", run)

    return says


def package(hook: ModuleType, root: Path, version: str = "standard") -> tuple[list[str], list[str]]:
    """Run the hook as hatchling does; what goes into the package, and what was warned of."""
    warned: list[str] = []
    data: dict[str, list[str]] = {}
    app = SimpleNamespace(display_warning=warned.append)
    hook.ScreensHook.initialize(SimpleNamespace(root=str(root), app=app), version, data)
    return data.get("artifacts", []), warned


def asked_for(hook: ModuleType, root: Path) -> list[str]:
    asked: list[str] = hook.ScreensHook.dependencies(SimpleNamespace(root=str(root)))
    return asked


def test_node_is_asked_for_only_when_it_helps(
    hook: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(hook.REQUIRE, raising=False)
    monkeypatch.setattr(hook, "find_node", lambda: None)
    monkeypatch.setattr(hook, "comes_built", lambda: True)
    assert asked_for(hook, checkout) == []
    (checkout / "web/src/app.ts").write_text("something else")
    assert asked_for(hook, checkout) == [hook.NODE]
    with monkeypatch.context() as without:
        without.setenv(hook.REQUIRE, "0")
        assert asked_for(hook, checkout) == []
    with monkeypatch.context() as compiled:
        compiled.setattr(hook, "comes_built", lambda: False)
        assert asked_for(hook, checkout) == []
    monkeypatch.setattr(hook, "find_node", lambda: hook.Node("node", ("npm",)))
    assert asked_for(hook, checkout) == []


@pytest.mark.parametrize(
    ("system", "machine", "library", "built"),
    [
        ("linux", "x86_64", ("glibc", "2.36"), True),
        ("linux", "aarch64", ("", ""), True),
        ("linux", "x86_64", ("glibc", "2.17"), False),
        ("linux", "riscv64", ("glibc", "2.39"), False),
        ("darwin", "arm64", ("", ""), True),
        ("win32", "AMD64", ("", ""), True),
        ("freebsd14", "amd64", ("", ""), False),
    ],
)
def test_node_comes_built_for_these_machines(
    hook: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    machine: str,
    library: tuple[str, str],
    built: bool,
) -> None:
    monkeypatch.setattr(hook, "sys", SimpleNamespace(platform=system))
    fakes = SimpleNamespace(machine=lambda: machine, libc_ver=lambda: library)
    monkeypatch.setattr(hook, "platform", fakes)
    assert hook.comes_built() is built


@pytest.mark.parametrize(
    ("version", "found"), [("v24.1.0", True), ("v26.0.0", True), ("v20.20.2", False)]
)
def test_a_node_on_the_path_is_taken_when_it_is_new_enough(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: bool
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hook.importlib.util, "find_spec", lambda _: None)
    expected = hook.Node(str(tmp_path / "node"), (str(tmp_path / "npm"),))
    assert hook.find_node() == (expected if found else None)


def test_screens_that_are_right_go_into_the_package(hook: ModuleType, checkout: Path) -> None:
    assert package(hook, checkout) == (["/src/careloom/screens/**"], [])


def test_a_build_puts_the_new_screens_in_the_place_of_the_old(
    hook: ModuleType, stale: Path, node: Callable[[str | None], None]
) -> None:
    node(None)
    assert package(hook, stale) == (["/src/careloom/screens/**"], [])
    assert (stale / "src/careloom/screens/index.html").read_text() == "newer"
    assert hook.is_built(stale)
    assert sorted(path.name for path in (stale / "src").iterdir()) == ["careloom"]


def test_a_wheel_without_npm_leaves_older_screens_out(
    hook: ModuleType, stale: Path, node: Callable[[str | None], None]
) -> None:
    node("npm error ENOTFOUND registry.npmjs.org")
    artifacts, warned = package(hook, stale)
    assert artifacts == []
    assert len(warned) == 1
    assert "ENOTFOUND" in warned[0]


def test_a_package_without_node_says_so(
    hook: ModuleType, stale: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "find_node", lambda: None)
    artifacts, warned = package(hook, stale)
    assert artifacts == []
    assert "no Node 24" in warned[0]


def test_an_editable_install_serves_no_older_screens(
    hook: ModuleType, stale: Path, node: Callable[[str | None], None]
) -> None:
    node("npm error ENOTFOUND registry.npmjs.org")
    _, warned = package(hook, stale, "editable")
    folder = stale / "src/careloom/screens"
    assert "ENOTFOUND" in warned[0]
    assert [path.name for path in folder.iterdir()] == [hook.WHY_NOT]
    assert "ENOTFOUND" in (folder / hook.WHY_NOT).read_text()
    assert not hook.is_built(stale)


def test_where_screens_are_required_the_reason_is_an_error(
    hook: ModuleType,
    stale: Path,
    node: Callable[[str | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node("npm error ENOTFOUND registry.npmjs.org")
    monkeypatch.setenv(hook.REQUIRE, "1")
    with pytest.raises(RuntimeError, match="ENOTFOUND"):
        package(hook, stale, "editable")
    assert (stale / "src/careloom/screens/index.html").read_text() == "older"


def test_a_read_only_checkout_is_a_reason(
    hook: ModuleType,
    stale: Path,
    node: Callable[[str | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node(None)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", "src")

    monkeypatch.setattr(hook.tempfile, "TemporaryFile", refuse)
    artifacts, warned = package(hook, stale)
    assert artifacts == []
    assert "the checkout cannot be written" in warned[0]
    assert "Read-only file system" in warned[0]
    assert (stale / "src/careloom/screens/index.html").read_text() == "older"


def test_wrong_sources_stop_the_build(
    hook: ModuleType,
    stale: Path,
    node: Callable[[str | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node("app.ts:1: unexpected token")
    monkeypatch.setattr(hook, "_fetch", lambda *_: None)
    with pytest.raises(RuntimeError, match="unexpected token"):
        hook.build(stale)
    assert not hook.is_built(stale)
    assert (stale / "src/careloom/screens/index.html").read_text() == "older"


def test_without_sources_what_is_there_is_shipped(hook: ModuleType, checkout: Path) -> None:
    (checkout / "web/package.json").unlink()
    assert package(hook, checkout)[0] == ["/src/careloom/screens/**"]
    (checkout / "src/careloom/screens/index.html").unlink()
    artifacts, warned = package(hook, checkout)
    assert artifacts == []
    assert "web/" in warned[0]
