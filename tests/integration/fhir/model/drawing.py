"""Requests drawn by chance, about few resources, so that they meet each other."""

from __future__ import annotations

import random
from typing import Any

from .matching import Resource
from .memory import Ask, Memory, Pairs

FAMILIES = ("Ada", "Adams", "Ädler", "Bell", "bell", "O'Neil", "Ng")
DAYS = ("1910", "1910-05", "1910-05-31", "1911-12-31", "1912-01-01", "1912-02")
MOMENTS = (
    "2024-03-05",
    "2024-03-05T10:00:00Z",
    "2024-03-05T10:00:00+02:00",
    "2024-03",
    "2024-12-31T23:59:59Z",
)
CODES = ("8302-2", "29463-7", "8867-4")
LOINC, UCUM, MRN = "http://loinc.org", "http://unitsofmeasure.org", "urn:mrn"
VALUES = ("5", "5.4", "5.40", "120", "-3")
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
OWN = 6
MOST = 40
"""Resources above which more is deleted than created."""


class Drawing:
    """Draws one request after the other against what the model holds."""

    def __init__(self, chance: random.Random, memory: Memory) -> None:
        self.chance = chance
        self.memory = memory

    def ask(self) -> Ask:
        crowded = len(self.memory.store()) > MOST
        makers = {
            self._create: 1 if crowded else 10,
            self._conditional_create: 6,
            self._update: 12,
            self._conditional_update: 5,
            self._patch: 9,
            self._delete: 14 if crowded else 6,
            self._read: 12,
            self._vread: 6,
            self._search: 18,
            self._history: 3,
            self._transaction: 6,
            self._batch: 3,
        }
        [maker] = self.chance.choices(list(makers), list(makers.values()))
        return maker()

    def _kind(self) -> str:
        return self.chance.choice(("Patient", "Observation"))

    def _id(self, kind: str) -> str:
        known = [identity for found, identity in self.memory.versions if found == kind]
        return self.chance.choice([*known, f"own-{self.chance.randrange(OWN)}"])

    def _version(self, kind: str, identity: str) -> int:
        """Mostly the one that is current."""
        now = len(self.memory.versions.get((kind, identity), []))
        return now if now and self.chance.random() < 0.7 else self.chance.randrange(1, 8)

    def patient(self) -> Resource:
        chance = self.chance
        made: Resource = {"resourceType": "Patient", "name": []}
        for _ in range(chance.choice((1, 1, 2))):
            made["name"].append({"family": chance.choice(FAMILIES)})
        if chance.random() < 0.8:
            made["gender"] = chance.choice(("male", "female", "other"))
        if chance.random() < 0.8:
            made["birthDate"] = chance.choice(DAYS)
        if chance.random() < 0.4:
            made["identifier"] = [{"system": MRN, "value": str(chance.randrange(8))}]
        return made

    def observation(self) -> Resource:
        chance = self.chance
        coding = {"system": LOINC, "code": chance.choice(CODES)}
        made: Resource = {
            "resourceType": "Observation",
            "status": chance.choice(("final", "preliminary")),
            "code": {"coding": [coding]},
        }
        if chance.random() < 0.85:
            made["subject"] = {"reference": f"Patient/{self._id('Patient')}"}
        if chance.random() < 0.7:
            made["effectiveDateTime"] = chance.choice(MOMENTS)
        if chance.random() < 0.7:
            number = chance.choice((5, 5.4, 5.44, 5.36, 120, -3, 0.5))
            made["valueQuantity"] = {"value": number, "unit": "mg", "system": UCUM, "code": "mg"}
        return made

    def _body(self, kind: str) -> Resource:
        made = self.patient() if kind == "Patient" else self.observation()
        if self.chance.random() < 0.04:
            made["gender" if kind == "Patient" else "nickname"] = "x"
        return made

    def _create(self) -> Ask:
        kind = self._kind()
        return Ask("POST", kind, body=self._body(kind))

    def _conditional_create(self) -> Ask:
        body = self.patient()
        body["identifier"] = [{"system": MRN, "value": str(self.chance.randrange(8))}]
        return Ask("POST", "Patient", body=body, if_none_exist=self._criteria())

    def _criteria(self) -> Pairs:
        """Mostly of one Patient, at times of several."""
        chance = self.chance
        if chance.random() < 0.8:
            return [("identifier", f"{MRN}|{chance.randrange(8)}")]
        return [("family:exact", chance.choice(FAMILIES)), ("birthdate", chance.choice(DAYS))]

    def _update(self) -> Ask:
        kind = self._kind()
        identity = self._id(kind)
        ask = Ask("PUT", kind, identity, body={**self._body(kind), "id": identity})
        way = self.chance.random()
        if way < 0.35:
            ask.if_match = self._version(kind, identity)
        elif way < 0.45:
            ask.if_none_match = "*"
        return ask

    def _conditional_update(self) -> Ask:
        return Ask("PUT", "Patient", pairs=self._criteria(), body=self.patient())

    def _steps(self) -> list[Resource]:
        chance = self.chance
        steps: list[Resource] = [
            {"op": "replace", "path": "/gender", "value": chance.choice(("male", "other", "x"))},
            {"op": "add", "path": "/birthDate", "value": chance.choice(DAYS)},
            {"op": "remove", "path": "/birthDate"},
            {"op": "test", "path": "/gender", "value": chance.choice(("male", "female"))},
            {"op": "replace", "path": "/name/0/family", "value": chance.choice(FAMILIES)},
            {"op": "add", "path": "/name/-", "value": {"family": chance.choice(FAMILIES)}},
            {"op": "add", "path": "/identifier", "value": [{"system": MRN, "value": "9"}]},
        ]
        return chance.sample(steps, chance.choice((1, 1, 2)))

    def _patch(self) -> Ask:
        if self.chance.random() < 0.2:
            return Ask("PATCH", "Patient", pairs=self._criteria(), body=self._steps())
        identity = self._id("Patient")
        ask = Ask("PATCH", "Patient", identity, body=self._steps())
        if self.chance.random() < 0.3:
            ask.if_match = self._version("Patient", identity)
        return ask

    def _delete(self) -> Ask:
        if self.chance.random() < 0.2:
            return Ask("DELETE", "Patient", pairs=self._criteria())
        kind = self._kind()
        return Ask("DELETE", kind, self._id(kind))

    def _read(self) -> Ask:
        kind = self._kind()
        ask = Ask("GET", kind, self._id(kind))
        if self.chance.random() < 0.2:
            ask.if_none_match = f'W/"{self._version(kind, ask.id)}"'
        return ask

    def _vread(self) -> Ask:
        kind = self._kind()
        identity = self._id(kind)
        return Ask("GET", kind, identity, version=str(self._version(kind, identity)))

    def _history(self) -> Ask:
        kind = self._kind()
        identity = self._id(kind) if self.chance.random() < 0.8 else ""
        return Ask("GET", kind, identity, version="*", pairs=[("_count", "1000")])

    def _search(self) -> Ask:
        chance, kind = self.chance, self._kind()
        makers = self._of_patient() if kind == "Patient" else self._of_observation()
        pairs: Pairs = chance.sample(makers, chance.choice((0, 1, 1, 2, 3)))
        if chance.random() < 0.3:
            key = "birthdate" if kind == "Patient" else "date"
            pairs.append(("_sort", chance.choice(("_id", "-_id", key, f"-{key}"))))
        if kind == "Observation" and chance.random() < 0.3:
            pairs.append(("_include", "Observation:subject"))
        pairs.append(("_count", chance.choice(("1000", "1000", "3"))))
        return Ask("GET", kind, pairs=pairs)

    def _of_patient(self) -> Pairs:
        chance = self.chance
        code = chance.choice(CODES)
        return [
            ("family", chance.choice(("ad", "ada", "ADA", "b", "o'", "adl", "zz", "b,n"))),
            ("family:exact", chance.choice(FAMILIES)),
            ("family:contains", chance.choice(("da", "ell", "'n"))),
            ("gender", chance.choice(("male", "female", "male,other"))),
            ("gender:not", chance.choice(("male", "male,female"))),
            ("birthdate", chance.choice(PREFIXES) + chance.choice(DAYS)),
            ("birthdate:missing", chance.choice(("true", "false"))),
            ("identifier", chance.choice((f"{MRN}|3", f"{MRN}|", "4", f"{MRN}|1,{MRN}|2"))),
            ("_id", ",".join(self._id("Patient") for _ in range(3))),
            ("_has:Observation:patient:code", chance.choice((code, f"{LOINC}|{code}"))),
            ("_has:Observation:subject:value-quantity", f"gt{chance.choice(VALUES)}"),
        ]

    def _of_observation(self) -> Pairs:
        chance = self.chance
        patient = self._id("Patient")
        number = chance.choice(PREFIXES) + chance.choice(VALUES)
        return [
            ("code", chance.choice((CODES[0], f"{LOINC}|{CODES[1]}", f"|{CODES[0]}", "x"))),
            ("code:not", chance.choice(CODES)),
            ("status", "final"),
            (chance.choice(("patient", "subject")), chance.choice((patient, f"Patient/{patient}"))),
            ("date", chance.choice(PREFIXES) + chance.choice(MOMENTS)),
            ("value-quantity", number + chance.choice(("", f"|{UCUM}|mg", "||mg", f"|{UCUM}|kg"))),
            ("value-quantity:missing", chance.choice(("true", "false"))),
            ("subject:Patient.family", chance.choice(("ad", "bell"))),
            ("patient.gender", chance.choice(("male", "other"))),
        ]

    def _transaction(self) -> Ask:
        """Mostly with all that it needs to be carried out."""
        chance = self.chance
        entries: list[Ask] = []
        urls = []
        for number in range(chance.choice((0, 1, 2))):
            patient = self.patient()
            patient.pop("identifier", None)
            urls.append(f"urn:uuid:00000000-0000-4000-8000-00000000000{number}")
            entries.append(Ask("POST", "Patient", body=patient, full_url=urls[-1]))
        if chance.random() < 0.3:
            made = self._conditional_create()
            made.full_url = "urn:uuid:00000000-0000-4000-8000-000000000009"
            urls.append(made.full_url)
            entries.append(made)
        for _ in range(chance.choice((0, 1, 2))):
            observation = self.observation()
            if urls and chance.random() < 0.8:
                observation["subject"] = {"reference": chance.choice(urls)}
            entries.append(Ask("POST", "Observation", body=observation))
        entries += self._by_id(chance.choice((1, 2, 3)))
        if chance.random() < 0.3:
            entries.append(Ask("GET", "Patient", self._id("Patient")))
        return Ask("transaction", body=entries)

    def _by_id(self, most: int) -> list[Ask]:
        """Updates, patches and deletions; of the same resource twice at times."""
        made: list[Ask] = []
        for _ in range(most):
            maker = self.chance.choice((self._update, self._patch, self._delete))
            ask = maker()
            if ask.id and (self.chance.random() < 0.05 or not _meets(ask, made)):
                made.append(ask)
        return made

    def _batch(self) -> Ask:
        """Entries that do not meet: they are carried out in any order."""
        entries: list[Ask] = []
        for _ in range(self.chance.choice((1, 3, 5))):
            maker: Any = self.chance.choice((self._create, self._update, self._read, self._patch))
            ask = maker()
            if not ask.pairs and not _meets(ask, entries):
                entries.append(ask)
        return Ask("batch", body=entries)


def _meets(ask: Ask, others: list[Ask]) -> bool:
    return any(ask.id and (one.kind, one.id) == (ask.kind, ask.id) for one in others)
