"""Re-computes the referral figures: fields, red flags, urgency, specialty, reading of scans.

Run: python training/referral/evaluate.py [--split judge] [--scans 24] [--models]
Prints aggregate figures only and writes build/bench/evaluate_referral.json. Fields are exact
matches: names without titles and case, numbers as digits, lists as sets.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import subprocess
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2

from careloom.ai.triage_specialty import SpecialtyRouter
from careloom.ai.triage_urgency import UrgencyClassifier
from careloom.documents import Referral, Triage, extract_referral, triage
from careloom.documents.ocr import FOLDED, PageReader, pdf_page_image
from careloom.documents.reading_process import read_text_layer
from careloom.samples.referral_letters import digital_pdf, fax_pdf, scan_pdf

ROOT = Path(__file__).parents[2]
LETTERS = ROOT / "tests/data/referral_letters"
ORDER = ("routine", "urgent", "emergency")
KEY_FIELDS = ("family", "given", "birth_date", "identifier", "phone")
Row = dict[str, Any]


def interval(right: int, cases: int) -> list[float]:
    """Wilson's 95 % interval of a share."""
    if cases == 0:
        return [0.0, 1.0]
    z, share = 1.96, right / cases
    centre = (share + z * z / (2 * cases)) / (1 + z * z / cases)
    half = z / (1 + z * z / cases) * math.sqrt(share * (1 - share) / cases + z * z / (4 * cases**2))
    return [round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]


def distance(a: str, b: str) -> int:
    """Levenshtein."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def folded(text: str) -> str:
    """White space and typographic marks made equal; marks are judged elsewhere."""
    return " ".join(text.translate(FOLDED).split())


def plain_name(name: str | None) -> str | None:
    """Without title, credentials, case and punctuation."""
    if name is None:
        return None
    name = re.sub(
        r"^(?:(?:Prof|Professor|Dr|Dra|Dre|Mr|Mrs|Ms|Miss|Sister|Staff Nurse|Nurse|Herr|Frau|"
        r"Mme|M|Sr|Sra)\.?\s+(?:med\.\s+)?)+",
        "",
        name.translate(FOLDED),
    )
    name = re.sub(r",\s*[A-Z][\w-]*(?:,? [A-Z][\w-]*)?$", "", name)
    return re.sub(r"\W+", " ", name).strip().lower() or None


def digits(text: str | None) -> str | None:
    """Figures only."""
    return re.sub(r"\D", "", text) if text else None


def medicine(name: str) -> str:
    """Without route and form."""
    return re.sub(
        r"^(?:topical|inhaled|oral|nasal)\s+|\s+(?:patch|gel|cream|inhaler|spray)$",
        "",
        name.lower().strip(),
    )


def wanted(truth: Row) -> Row:
    """The truth in comparable form."""
    patient = truth["patient"]
    return {
        "family": plain_name(patient["family"]),
        "given": plain_name(patient["given"]),
        "birth_date": patient["birth_date"],
        "sex": patient["sex"],
        "identifier": patient["identifier"],
        "phone": digits(patient["phone"]),
        "referrer": plain_name(truth["referrer"]["name"]),
        "organization": plain_name(truth["referrer"]["organization"]),
        "medications": {medicine(m) for m in truth["medications"]},
        "allergies": {a.lower() for a in truth["allergies"]},
        **truth["vitals"],
    }


def given(referral: Referral) -> Row:
    """The extractor's answer in the same form."""

    def value(found: Any) -> Any:
        return None if found is None else found.value

    patient, vitals = referral.patient, referral.vitals
    born = value(patient.birth_date)
    return {
        "family": plain_name(value(patient.family)),
        "given": plain_name(value(patient.given)),
        "birth_date": born.isoformat() if born else None,
        "sex": value(patient.sex),
        "identifier": value(patient.identifier),
        "phone": digits(value(patient.phone)),
        "referrer": plain_name(value(referral.referrer_name)),
        "organization": plain_name(value(referral.referrer_organization)),
        "medications": {medicine(m.value) for m in referral.medications},
        "allergies": {a.value for a in referral.allergies},
        **{
            name: value(getattr(vitals, name))
            for name in ("hr", "sbp", "dbp", "rr", "spo2", "on_oxygen", "temp_c", "consciousness")
        },
    }


class Score:
    """Counts of one way of reading."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.cases: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()

    def count(self, metric: str, right: bool, cases: bool = True) -> None:
        """One decision."""
        self.cases[metric] += int(cases)
        self.right[metric] += int(right and cases)

    def add(self, truth: Row, text: str, referral: Referral, decided: Triage) -> None:
        """Score one letter."""
        want, got = wanted(truth), given(referral)
        for name, value in want.items():
            self.count(name, got[name] == value)
            self.count("wrong_value", got[name] != value and got[name] not in (None, set()))
            if name in KEY_FIELDS:
                self.count("key_fields", got[name] == value)
        for name in want["medications"]:
            self.count("medication_recall", name in got["medications"])
        for name in got["medications"]:
            self.count("medication_precision", name in want["medications"])
        self._reason(truth, referral)
        self._flags(truth, referral)
        self._decision(truth, decided)

    def _reason(self, truth: Row, referral: Referral) -> None:
        quote = re.findall(r"\w+", truth["reason_quote"].lower())
        words = set(re.findall(r"\w+", referral.reason.value.lower() if referral.reason else ""))
        covered = sum(word in words for word in quote) >= 0.6 * len(quote)
        self.count("reason_covers_quote", covered)

    def _flags(self, truth: Row, referral: Referral) -> None:
        free = set(truth.get("red_flags_accepted", []))
        want = set(truth["red_flags"])
        got = {flag.value for flag in referral.red_flags} - free
        self.count("red_flags_exact", got == want)
        for code in want:
            self.count("red_flag_recall", code in got)
        for code in got:
            self.count("red_flag_precision", code in want)

    def _decision(self, truth: Row, decided: Triage) -> None:
        want, got = ORDER.index(truth["urgency"]), ORDER.index(decided.urgency)
        self.count("urgency_exact", got == want)
        self.count("under_triaged", got < want)
        self.count("over_triaged", got > want)
        self.count("emergency_missed", got < 2, want == 2)
        self.count(
            "emergency_missed_and_not_reviewed", got < 2 and not decided.needs_review, want == 2
        )
        fits = decided.specialty in {truth["specialty"], *truth.get("specialties_accepted", [])}
        self.count("specialty", fits)
        self.count("specialty_strict", decided.specialty == truth["specialty"])
        self.count("specialty_when_not_reviewed", fits, not decided.needs_review)
        self.count("urgency_when_not_reviewed", got >= want, not decided.needs_review)
        self.count("to_a_person", decided.needs_review)

    def rows(self, case: str) -> list[Row]:
        """Rows of the result file."""
        return [
            {
                "system": "careloom",
                "case": case,
                "metric": metric,
                "value": round(self.right[metric] / cases, 4) if cases else None,
                "interval": interval(self.right[metric], cases),
                "cases": cases,
            }
            for metric, cases in self.cases.items()
        ]


def read_digital(pdf: bytes) -> tuple[str, None, list[float]]:
    """The text layer as the service reads it."""
    limits = {"pages": 500, "characters": 2_000_000}
    pages = read_text_layer(pdf, limits)["pages"]
    return "\f".join(page["text"] for page in pages), None, []


def read_image(reader: PageReader, pdf: bytes) -> tuple[str, float | None, list[float]]:
    """The pages as the service reads them when there is no text layer."""
    document = pypdfium2.PdfDocument(pdf)
    pages = [reader.read(pdf_page_image(page)) for page in document]
    document.close()
    sure = [page["confidence"] for page in pages if page["confidence"] is not None]
    lines = [chance for page in pages for _, chance in page["lines"]]
    return "\f".join(page["text"] for page in pages), min(sure, default=0.0), lines


def evaluate(
    rows: list[Row], folder: Path, kind: str, models: tuple[Any, Any], reader: PageReader | None
) -> list[Row]:
    """All figures of one split read in one way: text, digital, scan or fax."""
    score = Score()
    errors, seconds = [], 0.0
    for number, truth in enumerate(rows):
        letter = (folder / truth["file"]).read_text()
        text, sure, lines = letter, None, []
        if kind != "text":
            pdf = {
                "digital": digital_pdf,
                "scan": partial(scan_pdf, seed=number),
                "fax": partial(fax_pdf, seed=number),
            }[kind](letter)
            began = time.process_time()
            text, sure, lines = read_digital(pdf) if reader is None else read_image(reader, pdf)
            seconds += time.process_time() - began
            if kind == "fax":
                text = text.split("\n", 1)[-1]
            errors.append(distance(folded(text), folded(letter)) / len(folded(letter)))
        referral = extract_referral(text)
        decided = triage(
            referral,
            text,
            urgency_model=models[0],
            specialty_model=models[1],
            ocr_confidence=sure,
            line_confidences=lines,
        )
        score.add(truth, text, referral, decided)
    case = f"{rows[0]['split']}_{kind}"
    found = score.rows(case)
    if errors:
        mean = sum(errors) / len(errors)
        found.append(
            {
                "system": "careloom",
                "case": case,
                "metric": "character_error_mean",
                "value": round(mean, 5),
                "interval": None,
                "cases": len(errors),
            }
        )
        found.append(
            {
                "system": "careloom",
                "case": case,
                "metric": "cpu_seconds_a_page",
                "value": round(seconds / len(errors), 3),
                "interval": None,
                "cases": len(errors),
            }
        )
    return found


def model_figures() -> list[Row]:
    """Cross-validated figures of the urgency model (minutes)."""
    # Imported here: needs scikit-learn, which only training needs.
    from train_urgency import cross_validate, ktas, nursesim

    cases = ktas()
    figures = cross_validate(cases, nursesim())
    auc, error = figures["auc"], figures["ece"]
    assert isinstance(auc, list)
    assert isinstance(error, list)
    return [
        {
            "system": "careloom",
            "case": "urgency_ktas_cv",
            "metric": "auc",
            "value": round(sum(auc) / len(auc), 4),
            "interval": figures["interval"],
            "cases": len(cases.label),
        },
        {
            "system": "careloom",
            "case": "urgency_ktas_cv",
            "metric": "ece",
            "value": round(sum(error) / len(error), 4),
            "interval": [min(error), max(error)],
            "cases": len(cases.label),
        },
    ]


def main() -> None:
    """Evaluate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["example", "judge", "both"], default="both")
    parser.add_argument("--scans", type=int, default=24, help="letters read as scan and as fax")
    parser.add_argument("--models", action="store_true", help="cross-validate the urgency model")
    arguments = parser.parse_args()
    models = (UrgencyClassifier(), SpecialtyRouter())
    reader = PageReader(1) if arguments.scans else None
    results: list[Row] = []
    for split in ["example", "judge"] if arguments.split == "both" else [arguments.split]:
        folder = LETTERS / split
        rows = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
        results += evaluate(rows, folder, "text", models, None)
        results += evaluate(rows, folder, "digital", models, None)
        some = rows[:: max(1, len(rows) // arguments.scans)] if arguments.scans else []
        for kind in ("scan", "fax") if some else ():
            results += evaluate(some, folder, kind, models, reader)
    if arguments.models:
        results += model_figures()
    for row in results:
        where = f"{row['case']:18} {row['metric']:34}"
        print(f"{where} {row['value']!s:>8} {row['interval']!s:20} {row['cases']}")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    target = ROOT / "build/bench/evaluate_referral.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        json.dumps(
            {
                "name": "evaluate_referral",
                "commit": commit,
                "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
                "conditions": {
                    "scan_letters": arguments.scans,
                    "fields": "exact, names without title and case",
                },
                "rows": results,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
