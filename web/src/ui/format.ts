const UNITS: readonly [limit: number, size: number, word: string][] = [
  [60_000, 1_000, "s"],
  [3_600_000, 60_000, "min"],
  [86_400_000, 3_600_000, "h"],
  [Infinity, 86_400_000, "d"],
];

/** Milliseconds as "40 ms", "2.1 s", "3 min 20 s", "2 h 5 min". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1_000)} s`;
  const [whole, rest, word, smaller, size] =
    ms < 3_600_000
      ? [60_000, ms % 60_000, "min", "s", 1_000]
      : ms < 86_400_000
        ? [3_600_000, ms % 3_600_000, "h", "min", 60_000]
        : [86_400_000, ms % 86_400_000, "d", "h", 3_600_000];
  const second = Math.floor(rest / size);
  return `${Math.floor(ms / whole)} ${word}${second ? ` ${second} ${smaller}` : ""}`;
}

const trimmed = (value: number) => (value < 10 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value));

/** "just now", "4 min ago", "in 2 h". */
export function formatAgo(at: string | number | Date, now: number = Date.now()): string {
  const distance = now - new Date(at).getTime();
  const away = Math.abs(distance);
  if (away < 10_000) return distance >= 0 ? "just now" : "in a moment";
  const unit = UNITS.find(([limit]) => away < limit) ?? [Infinity, 86_400_000, "d"];
  const said = `${Math.floor(away / unit[1])} ${unit[2]}`;
  return distance >= 0 ? `${said} ago` : `in ${said}`;
}

/** A time of day when it is today, else with its date. */
export function formatClock(at: string | number | Date, now: Date = new Date()): string {
  const time = new Date(at);
  const today = time.toDateString() === now.toDateString();
  return time.toLocaleString(undefined, {
    ...(today ? {} : { year: "numeric", month: "short", day: "numeric" }),
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** "1 run", "2 runs". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;
