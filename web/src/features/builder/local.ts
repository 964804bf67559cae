/** What was written and is not on the server yet lies in this browser, by the place where it belongs. */
import type { Draft } from "./state";

export interface LocalCopy {
  draft: Draft;
  /** The revision of the server that it was written upon; 0 where there was none. */
  revision: number;
  at: number;
}

export interface Interrupted extends LocalCopy {
  place: string;
}

const LOCAL = "careloom.draft.";

export function keepLocal(place: string, copy: LocalCopy): void {
  try {
    localStorage.setItem(LOCAL + place, JSON.stringify(copy));
  } catch (error) {
    // The browser's room is full: the server still has what it was sent.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** What is in this browser and not on the server. */
export function localCopy(place: string): LocalCopy | null {
  const text = localStorage.getItem(LOCAL + place);
  if (text === null) return null;
  try {
    return JSON.parse(text) as LocalCopy;
  } catch {
    localStorage.removeItem(LOCAL + place);
    return null;
  }
}

export function forgetLocal(place: string): void {
  localStorage.removeItem(LOCAL + place);
}

/** Every beginning has a place of its own, so that none takes up what another left behind. */
export function placeOfNew(kind: string, now: number): string {
  return `${kind}:${now.toString(36)}`;
}

/** The last thing of a kind that was begun here and did not reach the server, when it says something
 * else than what everybody begins with. */
export function interrupted(kind: string, begun: string): Interrupted | null {
  const places = Object.keys(localStorage).filter((key) => key.startsWith(`${LOCAL}${kind}:`));
  const found = places.flatMap((key): Interrupted[] => {
    const place = key.slice(LOCAL.length);
    const copy = localCopy(place);
    return copy && copy.draft.text !== begun ? [{ ...copy, place }] : [];
  });
  return found.sort((one, other) => other.at - one.at)[0] ?? null;
}
