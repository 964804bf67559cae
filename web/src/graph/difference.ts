/** The one stretch in which two texts differ, so that an editor changes only that. */
export interface Stretch {
  from: number;
  to: number;
  insert: string;
}

export function stretch(before: string, after: string): Stretch | null {
  if (before === after) return null;
  let head = 0;
  const most = Math.min(before.length, after.length);
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return { from: head, to: before.length - tail, insert: after.slice(head, after.length - tail) };
}
