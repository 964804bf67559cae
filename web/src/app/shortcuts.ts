import { useEffect, useRef } from "react";

/** One key, with what it does: for the help behind `?`. */
export interface Shortcut {
  keys: string;
  word: string;
}

interface Bound extends Shortcut {
  act: (event: KeyboardEvent) => void;
}

const bound: Bound[] = [];

/** What works on the page that is open, the page's own keys first. */
export const shortcuts = (): Shortcut[] =>
  bound.filter(({ keys }, at) => bound.findLastIndex((one) => one.keys === keys) === at).reverse();

/** Bind a key while the component is there. `keys`: "j", "?", "mod+k" (Ctrl, or Cmd on a Mac),
 * "shift+mod+z". A key alone does nothing while somebody types. The last one bound wins. */
export function useShortcut(
  keys: string,
  word: string,
  act: (event: KeyboardEvent) => void,
  enabled = true,
): void {
  const now = useRef(act);
  now.current = act;
  useEffect(() => {
    if (!enabled) return;
    const entry: Bound = { keys, word, act: (event) => now.current(event) };
    bound.push(entry);
    return () => {
      bound.splice(bound.indexOf(entry), 1);
    };
  }, [keys, word, enabled]);
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, [role=textbox]") !== null;
}

function pressed(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const mod = event.ctrlKey || event.metaKey;
  const shift = event.shiftKey && (mod || event.key.length > 1);
  return [shift && "shift", event.altKey && "alt", mod && "mod", key].filter(Boolean).join("+");
}

function hear(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const keys = pressed(event);
  if (!keys.includes("mod+") && typing(event.target)) return;
  const found = bound.findLast((one) => one.keys === keys);
  if (!found) return;
  event.preventDefault();
  found.act(event);
}

addEventListener("keydown", hear);
