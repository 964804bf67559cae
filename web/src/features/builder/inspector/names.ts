/** What can be read in an expression at a step: from the server, which knows; nothing is guessed. */
import { useBuilder } from "../state";
import type { Name } from "../server";

const NONE: readonly Name[] = [];

export function useNames(step: string | null): readonly Name[] {
  return useBuilder((state) => (state.outline.step === (step ?? "") ? state.outline.names : NONE));
}

export interface Token {
  from: number;
  to: number;
  text: string;
}

const PART = /[A-Za-z_%$][\w.%$'[\]-]*$/;

/** The name that is being written before the caret; null where no expression stands. */
export function tokenAt(text: string, caret: number, whole: boolean): Token | null {
  const before = text.slice(0, caret);
  const open = before.lastIndexOf("{{");
  const inside = whole || (open >= 0 && before.indexOf("}}", open) < 0);
  if (!inside) return null;
  const word = PART.exec(whole ? before : before.slice(open + 2))?.[0] ?? "";
  return { from: caret - word.length, to: caret, text: word };
}

/** Names that begin as the token does come first, then those that have its words in them. */
export function matching(names: readonly Name[], token: string): Name[] {
  const wanted = token.toLowerCase();
  const begin = names.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  const hold = names.filter(({ name }) => !begin.some((one) => one.name === name) && name.toLowerCase().includes(wanted));
  return [...begin, ...hold].slice(0, 60);
}

/** The text with a name put in: in braces of its own where no expression stood. */
export function withName(text: string, caret: number, token: Token | null, name: string, whole: boolean): { text: string; caret: number } {
  if (token) {
    const rest = text.slice(token.to);
    const close = whole || rest.includes("}}") ? "" : "}}";
    const put = text.slice(0, token.from) + name;
    return { text: put + close + rest, caret: put.length };
  }
  const put = `${text.slice(0, caret)}{{${name}}}`;
  return { text: put + text.slice(caret), caret: put.length };
}
