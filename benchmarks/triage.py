"""Both flagship workflows under load, all durable: studies, referrals and pages a second, and how
long it takes from a committed FHIR write to the first step.

python benchmarks/triage.py [--studies N] [--letters N] [--scans N] [--writes N] [--repeats N]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import report
import uvloop

from careloom.bootstrap import Services, open_services
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.chest_radiograph import synthetic_chest_radiograph
from careloom.samples.demo import LETTER, demo_patients
from careloom.samples.referral_pdf import digital_pdf
from careloom.samples.referral_scan import scan_pdf
from careloom.samples.templates import template
from careloom.settings import Settings
from careloom.types import Scope

ACTOR = {"principal": "bench", "kind": "system"}
LATENCY = """
workflow:
  id: on-patient
  name: On patient
  trigger: {type: fhir, event: Patient.create}
  steps:
    - {id: look, type: fhir, action: read, resourceType: Patient, resourceId: "{{trigger.id}}"}
"""


async def in_flight(count: int, work: Callable[[int], Awaitable[Any]], total: int) -> None:
    """Do `total` pieces of work, `count` at a time."""
    numbers = iter(range(total))

    async def one() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(one() for _ in range(count)))


async def all_closed(services: Services, scope: Scope, workflow: str, count: int) -> None:
    """Until `count` runs of the workflow have ended; raises when one did not succeed."""
    while True:
        rows = await services.db.query(
            scope.tenant,
            "SELECT state, count(*) AS n FROM run WHERE tenant = $1 AND workflow_id = $2"
            " GROUP BY state",
            scope.tenant,
            workflow,
        )
        states = {row["state"]: row["n"] for row in rows}
        if states.get("failed"):
            raise SystemExit(f"{workflow}: {states['failed']} runs failed")
        waiting = await services.db.query(
            scope.tenant, "SELECT count(*) AS n FROM task WHERE tenant = $1", scope.tenant
        )
        if states.get("succeeded", 0) + waiting[0]["n"] >= count:
            return
        await asyncio.sleep(0.02)


async def fresh_scope(services: Services, name: str) -> Scope:
    """A tenant of its own with one template and the demo's patients."""
    tenant = f"b{uuid.uuid4().hex[:10]}"
    await services.db.call("tenant_create", tenant, "Bench", "development")
    scope = Scope(tenant, "main")
    source = LATENCY if name == "latency" else template(name)
    await services.deployment.deploy(scope, source, ACTOR)
    for patient in demo_patients():

        async def plan(resource: Any = patient) -> Any:
            return await services.fhir.plan_create(scope, resource)

        await services.fhir.write(scope, plan, ACTOR)
    return scope


async def studies(services: Services, count: int) -> float:
    """Studies a second from the file to a closed run."""
    scope = await fresh_scope(services, "radiology-triage")
    patient = StudyPatient("Brightwater^Thomas", "SYN100231", "19670930", "M")
    pixels = [synthetic_chest_radiograph(seed, consolidation=bool(seed % 2)) for seed in range(4)]
    mark = uuid.uuid4().hex
    data = [
        synthetic_chest_study(pixels[n % 4], patient, study=f"{mark}-{n}") for n in range(count)
    ]

    async def store(number: int) -> None:
        await services.dicom.store(scope, data[number], ACTOR, source="sample")

    began = time.perf_counter()
    await in_flight(16, store, count)
    await all_closed(services, scope, "radiology-triage", count)
    return count / (time.perf_counter() - began)


async def letters(services: Services, count: int, make: Callable[[int], bytes]) -> float:
    """Letters a second from the file to a closed run, or to a person's task."""
    scope = await fresh_scope(services, "referral-triage")
    data = [make(number) for number in range(count)]

    async def put(number: int) -> None:
        name = f"{number}.pdf"
        await services.uploads.put(scope, "referrals", name, data[number], "application/pdf", ACTOR)

    began = time.perf_counter()
    await in_flight(16, put, count)
    await all_closed(services, scope, "referral-triage", count)
    return count / (time.perf_counter() - began)


async def latency(services: Services, count: int) -> list[float]:
    """Milliseconds from a FHIR write's commit (its event row) to the start of the first step."""
    scope = await fresh_scope(services, "latency")

    async def plan() -> Any:
        patient = {"resourceType": "Patient", "name": [{"family": "Latency"}]}
        return await services.fhir.plan_create(scope, patient)

    for _ in range(count):
        await services.fhir.write(scope, plan, ACTOR)
        await asyncio.sleep(0.01)
    await all_closed(services, scope, "on-patient", count)
    rows = await services.db.query(
        scope.tenant,
        "SELECT extract(epoch FROM s.started_at - e.at) * 1000 AS ms FROM run r"
        " JOIN event e ON e.tenant = r.tenant AND e.event_no = r.event_no"
        " JOIN step s ON s.tenant = r.tenant AND s.run_id = r.run_id WHERE r.tenant = $1",
        scope.tenant,
    )
    return [float(row["ms"]) for row in rows]


async def measure(options: argparse.Namespace) -> None:
    settings = Settings.from_environment({"CARELOOM_HOME": options.home})
    rows: list[dict[str, Any]] = []
    async with open_services(settings, listen=False) as services:
        await studies(services, 8)
        await letters(services, 8, lambda number: digital_pdf(LETTER))
        cases: list[tuple[str, int, Callable[[], Awaitable[float]]]] = [
            ("radiology_triage", 16, lambda: studies(services, options.studies)),
            (
                "referral_digital",
                16,
                lambda: letters(services, options.letters, lambda number: digital_pdf(LETTER)),
            ),
            (
                "referral_scan_pages",
                16,
                lambda: letters(services, options.scans, lambda number: scan_pdf(LETTER, number)),
            ),
        ]
        for case, concurrency, run in cases:
            rates = [await run() for _ in range(options.repeats)]
            rows.append(_row(case, concurrency, per_second=round(statistics.median(rates), 1)))
            print(case, [round(rate, 1) for rate in rates], flush=True)
        waits = await latency(services, options.writes)
        rows.append(
            _row(
                "fhir_write_to_first_step",
                1,
                p50_ms=round(report.percentile(waits, 0.5), 1),
                p99_ms=round(report.percentile(waits, 0.99), 1),
            )
        )
    conditions = {
        "database": "embedded PostgreSQL 18, fsync on",
        "process": "one: API services, worker, matcher, sealer",
        "on": "audit, encryption, tenancy",
        "repeats": options.repeats,
        **{name: getattr(options, name) for name in ("studies", "letters", "scans", "writes")},
    }
    print()
    report.write("triage", conditions, rows)


def _row(case: str, concurrency: int, **figures: float) -> dict[str, Any]:
    return {"system": "careloom", "case": case, "concurrency": concurrency, **figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=120)
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--scans", type=int, default=8)
    parser.add_argument("--writes", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="careloom-bench-") as home:
        Path(home).chmod(0o711)
        options.home = home
        uvloop.run(measure(options))


if __name__ == "__main__":
    main()
