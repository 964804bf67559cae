/** A change that cannot be made here; the message says what to do. */
export class EditError extends Error {}

export function splice(text: string, from: number, to: number, put: string): string {
  return text.slice(0, from) + put + text.slice(to);
}
