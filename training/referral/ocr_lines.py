# ruff: noqa: SIM905 - word lists read better as text
"""Draws lines of print and stores the recogniser's features beside their text.

Run: python training/referral/ocr_lines.py FOLDER --pages 200 --seed 1
Text: sentences of the public development data (CARELOOM_TEST_DATA), made-up words of German,
French, Spanish, Turkish and Polish spelling, numbers, dates and codes. No letter of the test sets.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
from pathlib import Path

import cv2
import numpy as np

from careloom.documents.line_boxes import find_runs
from careloom.documents.page_image import prepare
from careloom.documents.recogniser import crop, features, open_session
from careloom.samples import referral_pdf, referral_scan

ALPHABET = (
    " !\"#%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~$"
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœŒ°µ±²³·º½×«»¿¡£€ğşıŞłŁńśżąęčšž"
)
SYLLABLES = (
    "scha stein berg mann lich keit ung ver ent über für größ straß heiß wäch läng höch füh mün "
    "äu öff ärz prü nöt müd schwä tr bl kr gel hau tin zer kön wür ßen tät gef bes zw pf "
    "é è ê ça çon gné ère été ième eau eux oin tion ment phar côt fièv tê pré née où là naît "
    "ción ño ñía í á ó ú ué ría dón güe mar ter lia dro cor san pue llo rra ces per das "
    "ğı şe çı ö ü oğlu yıl dız ay łow ski szcz ńsk ąt ęd żu śni čar šić žan på sø fjä "
    "li ri la mo ne ti ro sa pi cu ma no fen ti col pan ox am il id ol one ine ate um us is"
).split()
UNITS = "mg mcg µg ml mmHg /min % °C bpm kg cm mm ug g/l mmol/l IU h bd tds od nocte prn x".split()


def sentences() -> list[str]:
    """English text of the development data."""
    root = Path(os.environ["CARELOOM_TEST_DATA"])
    with (root / "ktas_triage/data.csv").open(encoding="latin-1") as stream:
        rows = [
            f"{r['Chief_complain']} {r['Diagnosis in ED']}"
            for r in csv.DictReader(stream, delimiter=";")
        ]
    synthetic = json.loads(next((root / "phi_presidio_synth").glob("*.json")).read_text())
    return rows + [str(item["full_text"]) for item in synthetic]


def word(rng: random.Random, corpus: list[str]) -> str:
    """One token of a line."""
    kind = rng.random()
    if kind < 0.45:
        made = rng.choice(rng.choice(corpus).split() or ["x"])
    elif kind < 0.75:
        made = "".join(rng.choices(SYLLABLES, k=rng.randint(1, 4)))
    elif kind < 0.9:
        d = "".join(rng.choices("0123456789", k=rng.randint(1, 8)))
        made = rng.choice(
            [
                d,
                d[:2] + "." + d[2:4],
                d[:3] + "/" + d[3:5],
                d + rng.choice(UNITS),
                d[:3] + "-" + d[3:],
                f"{rng.randint(1, 31):02d}{rng.choice('./-')}{rng.randint(1, 12):02d}"
                f"{rng.choice('./-')}{rng.randint(1930, 2026)}",
                f"{rng.randint(0, 23)}:{d[:2]}",
                rng.choice(["A", "RXB", "M", "Q", "CIP", "NHS", "MRN"]) + d,
                "0" + d,
                "#" + d,
                d + "%",
            ]
        )
    else:
        made = "".join(rng.choices(ALPHABET[1:], k=rng.randint(1, 4)))
    style = rng.random()
    if style < 0.12:
        made = made.upper()
    elif style < 0.3:
        made = made[:1].upper() + made[1:]
    if rng.random() < 0.14:
        made += rng.choice(",,,,..:;?!)-")
    if rng.random() < 0.05:
        made = rng.choice("(\"'«[") + made + rng.choice(")\"'»]")
    return "".join(c for c in made if c in ALPHABET and c != " ") or "a"


def line(rng: random.Random, corpus: list[str]) -> str:
    """A line of at most 92 columns with single blanks."""
    if rng.random() < 0.25:
        text = " ".join(rng.choice(corpus).split())
        text = "".join(c for c in text if c in ALPHABET)[:90]
    else:
        text, wanted = word(rng, corpus), rng.randint(4, 80)
        while len(text) < wanted:
            text += " " + word(rng, corpus)
    return " ".join(text[:88].split()) or "a"


def page(
    rng: random.Random, noise: np.random.Generator, corpus: list[str]
) -> tuple[np.ndarray, list[str]]:
    """A drawn and degraded page, and its lines."""
    referral_pdf.SIZE = rng.uniform(8.6, 11.6)
    referral_pdf.CELL = referral_pdf.SIZE * 0.57
    referral_pdf.LINE = referral_pdf.SIZE * rng.uniform(1.16, 1.5)
    count = int((referral_pdf.PAGE_HEIGHT - 90) / referral_pdf.LINE)
    referral_pdf.LINES_PER_PAGE = count + 2
    columns = int(515 / referral_pdf.CELL)
    font = rng.choice(
        ["Helvetica"] * 3
        + ["Times-Roman"] * 3
        + ["Courier"] * 3
        + ["Helvetica-Bold", "Times-Bold", "Courier-Bold", "Helvetica-Oblique"]
    )
    for name in ("Helvetica-Bold", "Helvetica-Oblique"):
        referral_pdf.WIDTHS[name] = referral_pdf.WIDTHS["Helvetica"]
    referral_pdf.WIDTHS["Times-Bold"] = referral_pdf.WIDTHS["Times-Roman"]
    referral_pdf.WIDTHS["Courier-Bold"] = referral_pdf.WIDTHS["Courier"]
    lines = [line(rng, corpus)[: columns - 1].strip() or "a" for _ in range(count)]
    if "Courier" not in font:
        lines = [
            "".join(c for c in text if ord(c) < 256 or c in "œŒ€").strip() or "a" for text in lines
        ]
    lines = [" ".join(text.split()) for text in lines]
    pdf = referral_pdf.digital_pdf("\n".join(lines), font)
    kind = rng.random()
    if kind < 0.55:
        drawn = referral_scan.draw_pages(pdf, rng.choice([150, 175, 200, 200, 220]))[0]
        return np.asarray(referral_scan.degrade(drawn, noise)), lines
    drawn = referral_scan.draw_pages(pdf, 204)[0]
    if kind < 0.92:
        drawn = drawn.resize((drawn.width, round(drawn.height * 196 / 204)))
        bits = referral_scan.fax_page(drawn, noise)
        return np.where(bits, 255, 0).astype(np.uint8), lines
    return np.asarray(drawn), lines


def main() -> None:
    """Write one npz a page: features (half precision), lengths and texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    rng, noise = random.Random(arguments.seed), np.random.default_rng(arguments.seed)
    corpus, session = sentences(), open_session(1)
    for number in range(arguments.pages):
        image, lines = page(rng, noise, corpus)
        grey, _ = prepare(image)
        runs = find_runs(grey)
        by_line: dict[int, list] = {}
        for run in runs:
            by_line.setdefault(run.line, []).append(run)
        if len(by_line) != len(lines):
            print(number, "skipped:", len(by_line), "lines found of", len(lines), flush=True)
            continue
        pairs = [(by_line[i][0], text) for i, text in enumerate(lines) if len(by_line[i]) == 1]
        # Two readings of the same line differ by a pixel or two of cropping.
        crops = [
            crop(
                grey,
                r.left,
                r.top - int(noise.integers(0, 3)),
                r.right,
                r.bottom + int(noise.integers(0, 3)),
            )
            for r, _ in pairs
        ]
        found = features(session, crops)
        np.savez(
            arguments.folder / f"page_{arguments.seed}_{number:04d}.npz",
            features=np.concatenate(found).astype(np.float16),
            lengths=np.array([len(f) for f in found]),
            texts=np.array([text for _, text in pairs]),
        )
        print(number, len(pairs), "lines", flush=True)


if __name__ == "__main__":
    main()
