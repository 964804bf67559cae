"""The `careloom` command. Exit codes: 0 done, 1 the check or run failed, 2 wrong use,
3 something we depend on does not answer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from careloom import __version__
from careloom.errors import CareloomError, ConfigurationError, Unavailable

VERBS: dict[str, dict[str, str]] = {
    "serve": {
        "serve": "serve the API, the pages and the DICOM listener",
        "worker": "carry out runs, without an API",
    },
    "demo": {"demo": "run both shipped workflows from file to informed team"},
    "validate": {"validate": "say what is wrong with definitions; nothing is stored"},
    "definitions": {
        "deploy": "store definitions as new versions",
        "pause": "let no event start a run of a workflow",
        "resume": "let events start runs of a workflow again",
    },
    "runs": {
        "run": "start a run and wait for it",
        "logs": "show what a run did, or list the latest runs",
    },
    "recovery": {
        "retry": "do failed runs again, from the step that failed",
        "cancel": "stop runs and their children",
    },
    "versions": {
        "diff": "say what changed between versions of a workflow",
        "replay": "do past runs again on a version, with effects off",
    },
    "evaluate": {"evaluate": "measure an AI step on a gold set"},
    "retrain": {
        "retrain": "train a new version of a model of the store's own",
        "promote": "let a trained version answer from here on",
    },
    "audit": {"audit": "check or export the audit trail"},
    "keys": {"key": "make, list or revoke API keys"},
    "roles": {"role": "make or list roles of your own"},
    "dicom": {"dicom": "take the patient out of DICOM images"},
    "reindex": {"reindex": "make the search rows of stored resources anew"},
}
"""The commands of each module of this room, with what --help says of them. Only the module of the
command that is given is imported: all of them together cost two seconds."""


def parser(given: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The whole command line; of a `given` one the options of its command only."""
    top = argparse.ArgumentParser(
        prog="careloom", description="The open workflow engine for healthcare."
    )
    top.add_argument("--version", action="version", version=f"careloom {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in given or () if not word.startswith("-")), None)
    for module, verbs in VERBS.items():
        if given is None or chosen in verbs:
            import_module(f"careloom.cli.{module}").register(commands)
        else:
            for verb, text in verbs.items():
                commands.add_parser(verb, help=text)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = sys.argv[1:] if argv is None else argv
    arguments = parser(given).parse_args(given)
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
