/** Where in a definition a line of YAML stands, by its indentation: also while it cannot be read. */

export interface LineContext {
  /** Keys from the root; an item of a list is "-". */
  keys: string[];
  /** `key` and `type` of the innermost mapping, as far as its lines say. */
  siblings: Map<string, string>;
  /** The key whose value is being written; null while a key is. */
  value: string | null;
  /** What is written so far of the key or the value. */
  typed: string;
}

const KEY = /^(\s*)((?:- +)*)([A-Za-z_$][\w.$-]*|"[^"]*"|'[^']*')\s*:(?:\s+(.*))?$/;

interface Line {
  column: number;
  dashes: number[];
  key: string | null;
  rest: string;
}

function parsed(text: string): Line | null {
  if (/^\s*(#.*)?$/.test(text)) return null;
  const found = KEY.exec(text);
  const lead = /^(\s*)((?:- *)*)/.exec(text);
  const dashes: number[] = [];
  const start = (lead?.[1] ?? "").length;
  const marks = lead?.[2] ?? "";
  for (let at = 0; at < marks.length; at += 1) if (marks[at] === "-") dashes.push(start + at);
  const column = start + marks.length;
  return { column, dashes, key: found?.[3]?.replace(/^["']|["']$/g, "") ?? null, rest: found?.[4] ?? "" };
}

export function contextAt(text: string, offset: number): LineContext {
  const lines = text.slice(0, offset).split("\n");
  const current = lines.pop() ?? "";
  const value = /^\s*(?:- +)*([A-Za-z_$][\w.$-]*)\s*:\s+(.*)$/.exec(current);
  const typed = value ? (value[2] ?? "") : (/[\w.$-]*$/.exec(current)?.[0] ?? "");
  const lead = /^\s*(?:- *)*/.exec(current)?.[0] ?? "";
  const dash = lead.lastIndexOf("-");
  const keys: string[] = [];
  const siblings = new Map<string, string>();
  let column = lead.length;
  if (dash >= 0) {
    keys.unshift("-");
    column = dash;
  }
  let innermost = dash < 0;
  const below = text.slice(offset).split("\n").slice(1);
  if (dash >= 0 || current.trim() !== "" || lines.length > 0) gather(below, lead.length, siblings);
  for (let at = lines.length - 1; at >= 0 && (column > 0 || keys[0] === "-"); at -= 1) {
    const line = parsed(lines[at] ?? "");
    if (!line) continue;
    if (innermost && line.column === column && line.key !== null) {
      siblings.set(line.key, line.rest.replace(/\s+#.*$/, ""));
      if (line.dashes.length === 0) continue;
    }
    const outer = line.dashes.at(-1);
    if (outer !== undefined && outer < column && line.column <= column) {
      if (line.column < column && line.key !== null) keys.unshift(line.key);
      keys.unshift("-");
      column = outer;
      innermost = false;
    } else if (line.column < column || (line.column === column && keys[0] === "-" && line.dashes.length === 0 && line.rest === "")) {
      if (line.key === null) continue;
      if (line.column === column && keys[0] !== "-") continue;
      keys.unshift(line.key);
      column = line.column;
      innermost = false;
      if (outer !== undefined) {
        keys.unshift("-");
        column = outer;
      }
    }
  }
  return { keys, siblings, value: value?.[1] ?? null, typed };
}

/** Keys that follow in the same mapping. */
function gather(lines: readonly string[], column: number, into: Map<string, string>): void {
  for (const text of lines) {
    const line = parsed(text);
    if (!line) continue;
    if (line.column < column || line.dashes.length > 0) return;
    if (line.column === column && line.key !== null) into.set(line.key, line.rest);
  }
}
