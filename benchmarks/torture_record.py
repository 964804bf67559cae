"""What all runs of the torture have found, added up: benchmarks/records/torture.json.

A part has its totals and one line for each run that added to it: date, commit, seed, conditions.

python benchmarks/torture_record.py writes the table into docs/reference/torture.md.
"""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime
from typing import Any

import report

RECORD = report.ROOT / "benchmarks" / "records" / "torture.json"
PAGE = report.ROOT / "docs" / "reference" / "torture.md"
BEGIN, END = "<!-- totals -->", "<!-- end of totals -->"
LOCK = report.ROOT / "build" / "torture.lock"
"""Two tortures at the same time add to one record."""
COUNTED = (
    "kills",
    "holding",
    "runs",
    "lost",
    "doubled",
    "stranded",
    "wrong",
    "given_up",
    "sent_twice",
)
FAULTS = ("lost", "doubled", "stranded", "wrong")


def load() -> dict[str, Any]:
    """The record, empty when there is none yet."""
    if not RECORD.exists():
        return {"parts": {}, "faults": []}
    found: dict[str, Any] = json.loads(RECORD.read_text("utf-8"))
    return found


def add(part: str, counts: dict[str, Any], faults: list[str]) -> None:
    """Add one run of a part to the totals; its faults are kept in words."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _add(part, counts, faults)


def _add(part: str, counts: dict[str, Any], faults: list[str]) -> None:
    record, date = load(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    entry = record["parts"].setdefault(part, {**dict.fromkeys(COUNTED, 0), "runs_recorded": []})
    for name in COUNTED:
        entry[name] += counts.get(name, 0)
    told = {name: value for name, value in counts.items() if value is not None}
    entry["runs_recorded"].append({"date": date, "commit": report.commit(), **told})
    record["faults"] += [f"{date} {report.commit()} {part}: {fault}" for fault in faults]
    # A record that is half written would lose what years have found.
    beside = RECORD.with_suffix(".new")
    beside.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(RECORD)


def place(part: str) -> int:
    """Where the last run of a part that goes through a list stopped."""
    recorded = load()["parts"].get(part, {}).get("runs_recorded", [])
    return int(recorded[-1].get("next", 0)) if recorded else 0


def bound(kills: int, faults: int) -> str:
    """What can be said with 95 % confidence about the share of kills that do harm: 3/n when there
    was none."""
    if not kills:
        return "nothing was killed"
    if faults:
        return f"{faults} faults in {kills} kills"
    return f"below {3 / kills:.2g} for each kill"


def totals() -> dict[str, int]:
    """All parts together."""
    parts = load()["parts"].values()
    return {name: sum(part[name] for part in parts) for name in COUNTED}


def shown() -> list[dict[str, Any]]:
    """One line for each part, and the sum."""
    rows = []
    for name, part in [*load()["parts"].items(), ("total", totals())]:
        faults = sum(part[kind] for kind in FAULTS)
        counts = {column: part[column] for column in COUNTED}
        rows.append({"part": name, **counts, "bound_95": bound(part["kills"], faults)})
    return rows


def table() -> str:
    """The same as Markdown, for the page; with the shapes that were swept."""
    names = ["part", *COUNTED, "resume p50", "resume p99", "95 % bound"]
    lines = [f"| {' | '.join(names)} |", f"| {' | '.join('---' for _ in names)} |"]
    parts = load()["parts"]
    for row in shown():
        found = parts.get(row["part"], {}).get("runs_recorded", [])
        times = [_typical(found, f"resume_{name}_ms") for name in ("p50", "p99")]
        cells = [row["part"], *(f"{row[name]:,}" for name in COUNTED), *times, row["bound_95"]]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    swept = {one["case"]: one["boundaries"] for one in recorded("shapes")}
    lines += ["", f"Shapes swept: {len(swept)}, with {sum(swept.values()):,} boundaries."]
    return "\n".join(lines)


def recorded(part: str) -> list[dict[str, Any]]:
    """One line for each run of a part."""
    found: list[dict[str, Any]] = load()["parts"].get(part, {}).get("runs_recorded", [])
    return found


def _typical(found: list[dict[str, Any]], name: str) -> str:
    """The median of the medians; of the 99th percentiles the largest."""
    values = sorted(one[name] for one in found if name in one)
    if not values:
        return ""
    return f"{(values[-1] if 'p99' in name else values[len(values) // 2]) / 1000:.1f} s"


def write_page() -> None:
    """Put the table into the page."""
    text = PAGE.read_text("utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    write_page()
