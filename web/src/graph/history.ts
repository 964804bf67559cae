/** Undo and redo across the canvas and the YAML: one history of what the draft was. */

export interface Moment<T> {
  state: T;
  /** What led here, in words: "Insert a step". */
  words: string;
}

export interface History<T> {
  past: Moment<T>[];
  present: Moment<T>;
  future: Moment<T>[];
  /** Changes with the same group that follow one another quickly are one step back. */
  group: string | null;
  at: number;
}

export const LONGEST = 200;
const TOGETHER_MS = 1_000;

export function begin<T>(state: T): History<T> {
  return { past: [], present: { state, words: "" }, future: [], group: null, at: 0 };
}

export function record<T>(history: History<T>, state: T, words: string, group: string | null, now: number): History<T> {
  const joins = group !== null && group === history.group && now - history.at < TOGETHER_MS;
  const present = { state, words };
  if (joins) return { ...history, present, future: [], at: now };
  const past = [...history.past, history.present].slice(-LONGEST);
  return { past, present, future: [], group, at: now };
}

export function undo<T>(history: History<T>): History<T> {
  const previous = history.past[history.past.length - 1];
  if (!previous) return history;
  const past = history.past.slice(0, -1);
  return { past, present: previous, future: [history.present, ...history.future], group: null, at: 0 };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (!next) return history;
  return { past: [...history.past, history.present], present: next, future, group: null, at: 0 };
}
