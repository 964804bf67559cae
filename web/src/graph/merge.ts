/** Two people changed one text: what both did, line by line, where they did not touch the same lines. */

interface Hunk {
  /** Lines of the base that are replaced: from (inclusive) to (exclusive). */
  from: number;
  to: number;
  lines: string[];
}

export type Merged = { text: string } | { clashes: { line: number; mine: string[]; theirs: string[] }[] };

/** https://en.wikipedia.org/wiki/Merge_(version_control)#Three-way_merge */
export function merge(base: string, mine: string, theirs: string): Merged {
  const [lines, first, second] = [base.split("\n"), hunks(base, mine), hunks(base, theirs)];
  const clashes = first.flatMap((one) =>
    second
      .filter((other) => touches(one, other) && !identical(one, other))
      .map((other) => ({ line: Math.min(one.from, other.from) + 1, mine: one.lines, theirs: other.lines })),
  );
  if (clashes.length > 0) return { clashes };
  const all = [...first, ...second.filter((other) => !first.some((one) => identical(one, other)))];
  all.sort((one, other) => other.from - one.from || other.to - one.to);
  for (const { from, to, lines: put } of all) lines.splice(from, to - from, ...put);
  return { text: lines.join("\n") };
}

function touches(one: Hunk, other: Hunk): boolean {
  if (one.from === one.to && other.from === other.to) return one.from === other.from;
  return one.from < other.to && other.from < one.to;
}

function identical(one: Hunk, other: Hunk): boolean {
  return one.from === other.from && one.to === other.to && one.lines.join("\n") === other.lines.join("\n");
}

/** What was done to the base, as stretches of lines. */
export function hunks(base: string, changed: string): Hunk[] {
  const before = base.split("\n");
  const after = changed.split("\n");
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const [old, fresh] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const found: Hunk[] = [];
  let open: Hunk | null = null;
  for (const step of script(old, fresh)) {
    if (step.kind === "same") {
      open = null;
      continue;
    }
    if (!open) found.push((open = { from: head + step.at, to: head + step.at, lines: [] }));
    if (step.kind === "gone") open.to += 1;
    else open.lines.push(step.line);
  }
  return found;
}

type Step = { kind: "same"; at: number } | { kind: "gone"; at: number } | { kind: "new"; at: number; line: string };

/** The longest common subsequence, by dynamic programming over what really differs. */
function script(old: readonly string[], fresh: readonly string[]): Step[] {
  const width = fresh.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number) => longest[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = fresh.length - 1; column >= 0; column -= 1) {
      longest[row * width + column] =
        old[row] === fresh[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const steps: Step[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      steps.push({ kind: "same", at: row });
      row += 1;
      column += 1;
    } else if (row < old.length && (column >= fresh.length || at(row + 1, column) >= at(row, column + 1))) {
      steps.push({ kind: "gone", at: row });
      row += 1;
    } else {
      steps.push({ kind: "new", at: row, line: fresh[column] ?? "" });
      column += 1;
    }
  }
  return steps;
}
