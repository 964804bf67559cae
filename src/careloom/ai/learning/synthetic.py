"""Synthetic histories to try the predictions on: own work, no patient, from a seed.

`python -m careloom.ai.learning.synthetic no-show 400` writes a FHIR Bundle. How each class comes
about is written here, so that a model can be held against what is known: the more earlier missed
appointments, the longer the wait and the younger the patient, the likelier an appointment is not
kept; claims without authorization, of one payer and filed late are denied; discharges ordered late
in the day with open tasks and pending results are held up. The rest is chance.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import orjson

from careloom.types import JsonObject

_START = datetime(2025, 1, 6, 8, tzinfo=UTC)
_SERVICES = ("394579002", "394585009", "394594003")
_PAYERS = ("north", "south", "mutual")


def bundle(name: str, count: int, seed: int = 1) -> JsonObject:
    """A Bundle of type batch with `count` cases for a shipped prediction."""
    draw = random.Random(f"{name} {seed}")  # noqa: S311 (a synthetic history, nothing secret)
    entries = [
        {
            "fullUrl": f"{one['resourceType']}/{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in _MAKERS[name](draw, count)
    ]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def _chance(draw: random.Random, score: float) -> bool:
    return draw.random() < 1 / (1 + math.exp(-score))


def _patient(draw: random.Random, id: str) -> JsonObject:
    born = date(2025, 1, 1) - timedelta(days=draw.randrange(18 * 365, 88 * 365))
    patient: JsonObject = {
        "resourceType": "Patient",
        "id": id,
        "name": [{"family": f"Synthetic-{id}"}],
        "birthDate": born.isoformat(),
    }
    if draw.random() < 0.8:
        patient["telecom"] = [{"system": "phone", "value": "555-0100"}]
    if draw.random() < 0.5:
        patient["contact"] = [{"name": {"family": "Synthetic"}}]
    return patient


def _age(patient: JsonObject) -> float:
    return (date(2025, 6, 1) - date.fromisoformat(patient["birthDate"])).days / 365.25


def _appointments(draw: random.Random, count: int) -> Iterator[JsonObject]:
    """Three to six appointments a patient, one after the other."""
    number, person = 0, 0
    while number < count:
        patient = _patient(draw, f"synthetic-a{person:04}")
        yield patient
        careless, missed, at = draw.gauss(0, 1), 0, _START + timedelta(days=draw.randrange(60))
        for _ in range(draw.randint(3, 6)):
            if number == count:
                break
            lead = draw.choice((1, 3, 7, 14, 30, 60))
            start = at + timedelta(days=lead, hours=draw.randrange(9))
            score = -2.6 + 0.6 * careless + 1.1 * missed + 0.05 * lead
            score += 0.03 * (45 - _age(patient))
            is_missed = _chance(draw, score)
            yield _appointment(f"synthetic-v{number:05}", patient["id"], at, start, is_missed, draw)
            missed += is_missed
            number += 1
            at = start + timedelta(days=draw.randrange(5, 40))
        person += 1


def _appointment(
    id: str, patient: str, at: datetime, start: datetime, is_missed: bool, draw: random.Random
) -> JsonObject:
    code = {"system": "http://snomed.info/sct", "code": draw.choice(_SERVICES)}
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "noshow" if is_missed else "fulfilled",
        "serviceType": [{"coding": [code]}],
        "created": at.isoformat(),
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=20)).isoformat(),
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }


def _claims(draw: random.Random, count: int) -> Iterator[JsonObject]:
    for payer in _PAYERS:
        yield {"resourceType": "Organization", "id": f"synthetic-{payer}", "name": payer.title()}
    for number in range(count):
        if number % 2 == 0:
            patient = _patient(draw, f"synthetic-c{number:05}")
            yield patient
        payer, has_authorization = draw.choice(_PAYERS), draw.random() < 0.6
        late, amount = draw.choice((2, 5, 10, 40, 80)), round(draw.lognormvariate(5.5, 1), 2)
        score = -2.4 + (0 if has_authorization else 2.0) + (1.4 if payer == "mutual" else 0)
        is_denied = _chance(draw, score + 0.025 * late)
        day = _START + timedelta(days=draw.randrange(300))
        yield from _claim(
            f"synthetic-{number:05}", patient["id"], payer, has_authorization, day, late, amount,
            is_denied,
        )  # fmt: skip


def _claim(
    id: str,
    patient: str,
    payer: str,
    has_authorization: bool,
    day: datetime,
    late: int,
    amount: float,
    is_denied: bool,
) -> Iterator[JsonObject]:
    kind = {"coding": [{"code": "professional"}]}
    who = {"reference": f"Patient/{patient}"}
    insurance: JsonObject = {"sequence": 1, "focal": True, "coverage": {"display": payer}}
    if has_authorization:
        insurance["preAuthRef"] = [f"A-{id}"]
    created = (day + timedelta(days=late)).date().isoformat()
    yield {
        "resourceType": "Claim",
        "id": id,
        "status": "active",
        "type": kind,
        "use": "claim",
        "patient": who,
        "billablePeriod": {"end": day.date().isoformat()},
        "created": created,
        "insurer": {"reference": f"Organization/synthetic-{payer}"},
        "provider": {"display": "Clinic"},
        "priority": {"coding": [{"code": "normal"}]},
        "insurance": [insurance],
        "total": {"value": amount, "currency": "EUR"},
    }
    yield {
        "resourceType": "ClaimResponse",
        "id": f"answer-{id}",
        "status": "active",
        "type": kind,
        "use": "claim",
        "patient": who,
        "created": (day + timedelta(days=late + 9)).date().isoformat(),
        "insurer": {"reference": f"Organization/synthetic-{payer}"},
        "request": {"reference": f"Claim/{id}"},
        "outcome": "complete",
        "disposition": "denied" if is_denied else "paid",
    }


def _discharges(draw: random.Random, count: int) -> Iterator[JsonObject]:
    for number in range(count):
        patient = _patient(draw, f"synthetic-d{number:05}")
        yield patient
        id, who = f"synthetic-{number:05}", {"reference": f"Patient/{patient['id']}"}
        order = _START + timedelta(days=draw.randrange(300), hours=draw.randrange(11))
        tasks, pending = draw.choice((0, 0, 1, 2)), draw.choice((0, 0, 1, 2))
        score = -3.4 + 1.1 * tasks + 1.2 * pending + 0.25 * (order.hour - 8)
        is_late = _chance(draw, score)
        left = order + timedelta(hours=draw.uniform(7, 20) if is_late else draw.uniform(1, 5.5))
        yield {
            "resourceType": "Encounter",
            "id": id,
            "status": "finished",
            "class": {"code": "IMP"},
            "subject": who,
            "period": {
                "start": (order - timedelta(days=draw.randint(1, 12))).isoformat(),
                "end": left.isoformat(),
            },
        }
        yield {
            "resourceType": "ServiceRequest",
            "id": id,
            "status": "completed",
            "intent": "order",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "58000006"}]},
            "subject": who,
            "encounter": {"reference": f"Encounter/{id}"},
            "authoredOn": order.isoformat(),
        }
        before = (order - timedelta(hours=5)).isoformat()
        for n in range(tasks):
            yield {
                "resourceType": "Task",
                "id": f"{id}-{n}",
                "status": "completed",
                "intent": "order",
                "for": who,
                "authoredOn": before,
                "executionPeriod": {"start": before, "end": left.isoformat()},
            }
        for n in range(pending):
            yield {
                "resourceType": "DiagnosticReport",
                "id": f"{id}-{n}",
                "status": "final",
                "code": {"text": "Blood count"},
                "subject": who,
                "effectiveDateTime": before,
                "issued": left.isoformat(),
            }


_MAKERS: dict[str, Callable[[random.Random, int], Iterator[JsonObject]]] = {
    "no-show": _appointments,
    "claim-denial": _claims,
    "discharge-delay": _discharges,
}


def main() -> None:
    """Write a Bundle to standard output."""
    parser = argparse.ArgumentParser(description="Synthetic histories for predictions.")
    parser.add_argument("name", choices=sorted(_MAKERS))
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.stdout.buffer.write(orjson.dumps(bundle(given.name, given.count, given.seed)) + b"\n")


if __name__ == "__main__":
    main()
