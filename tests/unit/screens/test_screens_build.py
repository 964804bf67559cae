"""When the screens are built again: what the hash of their sources takes in."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """hatch_build.py as hatchling loads it; hatchling itself is there only during a build."""
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


def test_node_is_asked_for_only_when_there_is_something_to_build(
    hook: ModuleType, checkout: Path
) -> None:
    asks = SimpleNamespace(root=str(checkout))
    assert hook.ScreensHook.dependencies(asks) == []
    (checkout / "web/src/app.ts").write_text("something else")
    assert hook.ScreensHook.dependencies(asks) == [hook.NODE]


def test_an_install_goes_on_without_npm(
    hook: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "web/package-lock.json").write_text("{}")
    (checkout / "web/src/app.ts").write_text("something else")
    monkeypatch.setattr(hook, "_node_home", lambda: checkout)
    monkeypatch.setattr(hook, "_node", lambda *_: "npm error ENOTFOUND registry.npmjs.org")
    warned: list[str] = []
    app = SimpleNamespace(display_warning=warned.append)
    hook.ScreensHook.initialize(SimpleNamespace(root=str(checkout), app=app), "editable", {})
    assert len(warned) == 1
    assert "ENOTFOUND" in warned[0]


def test_wrong_sources_stop_the_build(
    hook: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "web/src/app.ts").write_text("something else")
    monkeypatch.setattr(hook, "_fetch", lambda _: None)
    monkeypatch.setattr(hook, "_node", lambda *_: "app.ts:1: unexpected token")
    with pytest.raises(RuntimeError, match="unexpected token"):
        hook.build(checkout)
    assert not hook.is_built(checkout)
    assert (checkout / "src/careloom/screens" / hook.STAMP).is_file()
