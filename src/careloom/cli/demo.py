"""`careloom demo`: both flagship workflows on real parts, with synthetic patients.

An X-ray and a referral go from file to informed team; the timeline is printed as it happens.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from careloom.bootstrap import Services, open_services
from careloom.cli.serve import HttpServer, run_loop, wait_for_signal
from careloom.cli.timeline import Timeline
from careloom.documents.document import sniff
from careloom.errors import InvalidInput
from careloom.samples.demo import demo_patients, demo_referral, demo_study
from careloom.samples.templates import template
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

_ACTOR: JsonObject = {"principal": "demo", "kind": "system"}
_TEMPLATES = ("radiology-triage", "referral-triage")
_GIVE_UP_S = 120.0


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of the caller's own, read before anything is started; None where there is none."""

    dicom: Path | None
    referral: Path | None
    study: bytes | None
    letter: bytes | None


def register(commands: Any) -> None:
    demo = commands.add_parser("demo", help="run both shipped workflows from file to informed team")
    demo.add_argument("--dicom", type=Path, help="a DICOM file of your own")
    demo.add_argument("--referral", type=Path, help="a referral PDF or scan of your own")
    demo.add_argument("--port", type=int, help="port of the pages; 0 for any")
    demo.add_argument("--once", action="store_true", help="end when both runs have ended")
    demo.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    given = _Files(
        arguments.dicom, arguments.referral, _own(arguments.dicom), _own(arguments.referral)
    )
    if given.letter is not None:
        sniff(given.letter)
    return run_loop(_running(arguments, given))


async def _running(arguments: argparse.Namespace, given: _Files) -> int:
    began = time.monotonic()
    settings = Settings.from_environment()
    stays = sys.stdout.isatty() and not arguments.once
    async with open_services(settings, progress=_say) as services:
        port = arguments.port if arguments.port is not None else (settings.port if stays else 0)
        server = HttpServer(services, settings.host, port)
        await server.start()
        # A key is shown once; where nobody looks, `careloom serve` is to make and show the first.
        issued = await services.identity.ensure_first_key() if stays else None
        await _ask(settings.host, server.port)
        _say(f"First answer after {time.monotonic() - began:.1f} s\n")
        states = await _both(services, given)
        sealed = await services.sealer.seal_once(DEFAULT_SCOPE.tenant)
        _say(f"\nAudit: {services.sealer.sealed or sealed} rows sealed into the chain")
        _say(_what_stays(settings))
        base = f"http://{settings.host}:{server.port}" if stays else None
        if "waiting" in states:
            _say(_where_to_decide(base))
        if base:
            _addresses(base, issued.text if issued else None)
            await wait_for_signal(server)
        await server.stop()
    return 0 if set(states) <= {"succeeded", "waiting"} else 1


async def _ask(host: str, port: int) -> None:
    """One real request, so that the time to the first answer is not a guess."""
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"http://{host}:{port}/health/ready")
        response.raise_for_status()


async def _both(services: Services, given: _Files) -> tuple[str, str]:
    """Deploy the templates, hand in the files, show both runs; how far each came."""
    for name in _TEMPLATES:
        await services.deployment.deploy(DEFAULT_SCOPE, template(name), _ACTOR)
    for patient in demo_patients():
        await _patient(services, patient)
    timeline = Timeline(services, _say)
    study = demo_study() if given.study is None else given.study
    letter = demo_referral() if given.letter is None else given.letter
    stamp = time.strftime("%Y%m%d-%H%M%S") + f"-{time.time_ns() % 1000:03d}"
    _say(f"X-ray: {_origin(given.dicom, 'a chest radiograph')}")
    first = await _run_of(
        services, "radiology-triage", lambda: _hand_in_image(services, study, stamp)
    )
    radiology = await timeline.follow(first, _GIVE_UP_S)
    _say(f"\nReferral: {_origin(given.referral, 'a scanned letter')}")
    second = await _run_of(
        services, "referral-triage", lambda: _hand_in_letter(services, letter, stamp)
    )
    referral = await timeline.follow(second, _GIVE_UP_S)
    return radiology, referral


def _origin(own: Path | None, what: str) -> str:
    return f"your file {own.name}" if own else f"{what} made by Careloom; synthetic, of no person"


def _own(path: Path | None) -> bytes | None:
    """The file's bytes; raises InvalidInput when it cannot be read or holds nothing."""
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    if not data:
        raise InvalidInput(
            f"{path}: the file is empty", fix="give a file with content, or leave the option out"
        )
    return data


async def _patient(services: Services, patient: JsonObject) -> None:
    identifier = patient["identifier"][0]
    criteria = f"identifier={identifier['system']}|{identifier['value']}"

    async def plan() -> Any:
        return await services.fhir.plan_create(DEFAULT_SCOPE, patient, if_none_exist=criteria)

    await services.fhir.write(DEFAULT_SCOPE, plan, _ACTOR)


async def _hand_in_image(services: Services, data: bytes, stamp: str) -> None:
    stored = await services.dicom.store(DEFAULT_SCOPE, data, _ACTOR, source="sample")
    if not stored.created:
        # The archive has it and says nothing twice; the run is started by hand instead.
        body = {"file": stored.uri, "patientId": stored.patient}
        await services.runs.start(DEFAULT_SCOPE, "radiology-triage", body, _ACTOR)


async def _hand_in_letter(services: Services, data: bytes, stamp: str) -> None:
    name = f"referral-{stamp}.pdf"
    await services.uploads.put(DEFAULT_SCOPE, "referrals", name, data, sniff(data), _ACTOR)


async def _run_of(services: Services, workflow_id: str, hand_in: Any) -> str:
    """The id of the run that handing in a file starts."""
    before = await services.runs.page(DEFAULT_SCOPE, workflow_id=workflow_id, limit=1)
    newest = before[0]["runId"] if before else None
    await hand_in()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        runs = await services.runs.page(DEFAULT_SCOPE, workflow_id=workflow_id, limit=1)
        if runs and runs[0]["runId"] != newest:
            return str(runs[0]["runId"])
        await asyncio.sleep(0.005)
    raise InvalidInput(f"The file started no run of {workflow_id}", code="no_run")


def _what_stays(settings: Settings) -> str:
    kept = "The demo's synthetic patients and both workflows stay in"
    if settings.database_url is not None:
        return f"{kept} the database of DATABASE_URL; to start afresh, name a new one."
    return f"{kept} {settings.home}; to start afresh, end Careloom and remove that folder."


def _where_to_decide(base: str | None) -> str:
    where = f"{base}/#/inbox" if base else "start `careloom serve`, open its page, choose Inbox"
    return f"A run waits for a person. To decide: {where}"


def _addresses(base: str, key: str | None) -> None:
    _say("\nLook around:")
    _say(f"  Runs, inbox, messages   {base}/{f'#key={key}' if key else ''}")
    _say(f"  API documentation       {base}/docs")
    _say(f"  FHIR base               {base}/fhir/metadata")
    if key:
        _say(f"  Key, shown only now     {key}")
    else:
        _say("  A new key               .venv/bin/careloom key create NAME --role admin")
    _say("\nCtrl-C ends everything.")


def _say(line: str) -> None:
    print(line, flush=True)
