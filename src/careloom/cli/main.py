"""The `careloom` command. Exit codes: 0 done, 1 the check or run failed, 2 wrong use,
3 something we depend on does not answer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from careloom import __version__
from careloom.cli import audit, definitions, demo, keys, recovery, runs, serve, versions
from careloom.errors import CareloomError, ConfigurationError, Unavailable

MODULES = (serve, demo, definitions, runs, recovery, versions, audit, keys)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="careloom", description="The open workflow engine for healthcare."
    )
    top.add_argument("--version", action="version", version=f"careloom {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in MODULES:
        module.register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has enough: nothing more is written, and the
        # interpreter finds nothing to write when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Unavailable as error:
        return _say(error, 3)
    except ConfigurationError as error:
        return _say(error, 2)
    except CareloomError as error:
        return _say(error, 1)


def _say(error: CareloomError, code: int) -> int:
    place = f" at {error.path}" if error.path else ""
    print(f"careloom: {error.code}{place}: {error.message}", file=sys.stderr)
    if error.fix:
        print(f"  {error.fix}", file=sys.stderr)
    return code
