// Presses that count. A decision is taken by a press that was made for it: never by the second half
// of a double click, nor by one that was on its way while something else stood at that place.

export const SETTLE_MS = 700;
let shownKey = null;
let shownAt = 0;
let pressedAt = 0;

addEventListener("pointerdown", () => (pressedAt = performance.now()), true);
addEventListener("hashchange", () => (shownKey = null));

/** Whether what stands under this key was in sight long enough; calls `redraw` when it will be. */
export function settled(key, redraw) {
  if (key !== shownKey) {
    shownKey = key;
    shownAt = performance.now();
    setTimeout(redraw, SETTLE_MS + 20);
  }
  return performance.now() - shownAt >= SETTLE_MS;
}

/** Whether a click was meant for what is in sight now: a pointer must have been released before. */
export function meant(event) {
  const began = event.detail > 0 ? pressedAt : performance.now();
  return shownKey !== null && began - shownAt >= SETTLE_MS;
}
