"""Trains the specialty router from the project's own phrases; prints held-out figures.

Run: python training/referral/train_specialty.py
Pseudo-letters are put together from phrases of one specialty with distracting phrases of others.
The temperature is fitted on pseudo-letters of held-out phrases and on the example letters.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from careloom.ai.triage_specialty import _LEFT_OUT, MODEL
from careloom.ai.triage_text import terms, weighted

HERE = Path(__file__).parent
LETTERS = HERE.parents[1] / "tests/data/referral_letters/example"
FILLER = {
    "en": [
        "Thank you for seeing this patient.",
        "I would be grateful for your opinion.",
        "Kind regards",
        "Blood pressure is normal.",
        "Takes ramipril and atorvastatin.",
        "No known drug allergies.",
        "Lives alone, non-smoker.",
        "On examination comfortable at rest.",
        "Please advise.",
    ],
    "de": [
        "Vielen Dank für die Mitbeurteilung.",
        "Mit freundlichen Grüßen",
        "Medikation: Ramipril.",
        "Keine Allergien bekannt.",
        "Ich bitte um weitere Abklärung.",
    ],
    "fr": [
        "Je vous remercie de recevoir ce patient.",
        "Bien confraternellement",
        "Pas d'allergie connue.",
        "Traitement habituel : périndopril.",
        "Merci pour votre avis.",
    ],
    "es": [
        "Solicito valoración.",
        "Atentamente",
        "Sin alergias conocidas.",
        "En tratamiento con enalapril.",
        "Le remito para estudio.",
    ],
}
Phrases = dict[str, dict[str, list[str]]]


def phrases() -> Phrases:
    """specialty → language → phrases."""
    found: Phrases = {}
    for line in (HERE / "specialty_phrases.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, language, text = line.split("|")
            found.setdefault(name, {}).setdefault(language, []).extend(
                part.strip() for part in text.split(";") if part.strip()
            )
    return found


def words() -> dict[str, list[str]]:
    """specialty → single terms."""
    found: dict[str, list[str]] = {}
    for line in (HERE / "specialty_words.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, text = line.split("|")
            found[name] = [part.strip() for part in text.split(";") if part.strip()]
    return found


WORDS = words()


def letter(rng: random.Random, source: Phrases, name: str) -> str:
    """A pseudo-letter of a specialty."""
    language = rng.choices(["en", "de", "fr", "es"], [0.7, 0.1, 0.1, 0.1])[0]
    own = source[name][language]
    parts = rng.sample(own, min(len(own), rng.choice([1, 1, 1, 2])))
    parts += rng.sample(FILLER[language], rng.randint(0, 4))
    parts.append(", ".join(rng.sample(WORDS[name], rng.randint(1, 5))))
    if rng.random() < 0.3:
        parts = parts[1:]
    if rng.random() < 0.35:
        other = rng.choice([n for n in source if n != name])
        parts.append(rng.choice(source[other][language]))
    first = parts[0]
    rng.shuffle(parts)
    return ". ".join([first, *parts])


def build(rng: random.Random, source: Phrases, count: int) -> tuple[list[str], list[str]]:
    """(texts, labels)."""
    names = sorted(source)
    labels = [names[i % len(names)] for i in range(count)]
    return [letter(rng, source, name) for name in labels], labels


def build_plain(rng: random.Random, source: Phrases, count: int) -> tuple[list[str], list[str]]:
    """Pseudo-letters of two held-out phrases, without the list of terms that training saw."""
    names = sorted(source)
    labels = [names[i % len(names)] for i in range(count)]
    texts = []
    for name in labels:
        language = rng.choices(["en", "de", "fr", "es"], [0.7, 0.1, 0.1, 0.1])[0]
        own = source[name][language]
        texts.append(". ".join(rng.sample(own, min(2, len(own))) + rng.sample(FILLER[language], 2)))
    return texts, labels


def matrix(texts: list[str], idf: dict[str, float], row: dict[str, int]) -> csr_matrix:
    """Sparse features."""
    data, columns, starts = [], [], [0]
    for text in texts:
        vector = weighted(_LEFT_OUT.sub(" ", text), idf)
        data += vector.values()
        columns += [row[t] for t in vector]
        starts.append(len(data))
    return csr_matrix((data, columns, starts), shape=(len(texts), len(row)))


def vocabulary(source: Phrases, most: int = 14000) -> dict[str, float]:
    """Terms of the phrases with their idf; very common ones of the filler are kept low by it."""
    documents = [p for by in source.values() for ps in by.values() for p in ps]
    documents += [term for terms_ in WORDS.values() for term in terms_]
    documents += [text for texts in FILLER.values() for text in texts] * 3
    counts: Counter[str] = Counter()
    for text in documents:
        counts.update(set(terms(text)))
    kept = [t for t, c in counts.most_common() if c >= 2 or (" " not in t and "#" not in t)][:most]
    return {t: math.log((1 + len(documents)) / (1 + counts[t])) + 1 for t in kept}


def fit(
    source: Phrases, seed: int, count: int = 6000
) -> tuple[dict[str, float], LogisticRegression]:
    """Vocabulary and classifier of some phrases."""
    idf = vocabulary(source)
    row = {t: i for i, t in enumerate(idf)}
    texts, labels = build(random.Random(seed), source, count)
    model = LogisticRegression(C=6.0, max_iter=400)
    model.fit(matrix(texts, idf, row), labels)
    return idf, model


def split(source: Phrases, seed: int, part: int, parts: int) -> tuple[Phrases, Phrases]:
    """Phrases kept out for a fold, per specialty and language."""
    kept: Phrases = {}
    out: Phrases = {}
    for name, by in source.items():
        for language, items in by.items():
            order = list(items)
            random.Random(f"{seed}{name}{language}").shuffle(order)
            held = order[part::parts]
            out.setdefault(name, {})[language] = held
            kept.setdefault(name, {})[language] = [p for p in order if p not in held]
    return kept, out


def temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The one that makes the probabilities of the right class most likely."""

    def loss(t: float) -> float:
        z = scores / t
        z = z - z.max(axis=1, keepdims=True)
        return float(-(z[np.arange(len(labels)), labels] - np.log(np.exp(z).sum(1))).mean())

    return min((t / 50 for t in range(5, 200)), key=loss)


def main() -> None:
    """Cross-validate over three seeds, fit on everything, store."""
    source = phrases()
    accuracies, kept_scores, kept_labels = [], [], []
    for seed in (1, 2, 3):
        right = total = 0
        for part in range(2):
            kept, out = split(source, seed, part, 4)
            idf, model = fit(kept, seed)
            row = {t: i for i, t in enumerate(idf)}
            texts, labels = build_plain(random.Random(seed + 50), out, 400)
            scores = model.decision_function(matrix(texts, idf, row))
            guess = model.classes_[scores.argmax(1)]
            right += int((guess == np.array(labels)).sum())
            total += len(labels)
            kept_scores.append(scores)
            kept_labels.append(np.searchsorted(model.classes_, labels))
        accuracies.append(right / total)
        print("seed", seed, "held-out phrases, top-1", round(right / total, 4), flush=True)
    idf, model = fit(source, 11, 9000)
    row = {t: i for i, t in enumerate(idf)}
    rows = [json.loads(line) for line in (LETTERS / "truth.jsonl").read_text().splitlines()]
    texts = [(LETTERS / r["file"]).read_text() for r in rows]
    scores = model.decision_function(matrix(texts, idf, row))
    guess = model.classes_[scores.argmax(1)]
    accepted = [
        g == r["specialty"] or g in r["specialties_accepted"]
        for g, r in zip(guess, rows, strict=True)
    ]
    labels = np.array([list(model.classes_).index(r["specialty"]) for r in rows])
    both = temperature(
        np.concatenate([*kept_scores, *[scores] * 20]),
        np.concatenate([*kept_labels, *[labels] * 20]),
    )
    print(
        "example letters, router alone:",
        sum(accepted),
        "of",
        len(accepted),
        "temperature",
        both,
        "mean",
        np.mean(accuracies),
    )
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        MODEL,
        classes=np.array(model.classes_.astype(str)),
        terms=np.array("\n".join(idf)),
        idf=np.array(list(idf.values()), np.float16),
        weights=model.coef_.T.astype(np.float16),
        bias=model.intercept_.astype(np.float16),
        temperature=np.array(both),
        name=np.array("careloom-specialty-1"),
    )
    print("bytes", MODEL.stat().st_size)


if __name__ == "__main__":
    main()
