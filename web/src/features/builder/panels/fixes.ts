/** Repairs that can be made at a click: where the server says exactly what to write. */
import type { Finding } from "../server";

export interface Fix {
  words: string;
  /** undefined: the key is taken away. */
  value: unknown;
}

const MOST = 4;

export function fixesOf(finding: Finding, now: unknown): Fix[] {
  const { fix } = finding;
  if (/^remove it\b/.test(fix)) return [{ words: "Remove it", value: undefined }];
  const named = /^(?:write|use one of:|use)\s+(?:[A-Za-z]+:\s+)?(.+)$/.exec(fix)?.[1];
  if (!named) return [];
  const values = named.split(/\s+or\s+|,\s*/).map((one) => one.trim().replace(/^["'`]|["'`]$/g, ""));
  if (values.some((one) => one === "" || /\s/.test(one))) return [];
  return values.slice(0, MOST).flatMap((value): Fix[] => {
    const put = replaced(finding, now, value);
    return put === null ? [] : [{ words: `Write ${value}`, value: put }];
  });
}

/** Inside a longer text only the name that is wrong is replaced. */
function replaced(finding: Finding, now: unknown, value: string): unknown {
  if (typeof now === "object" && now !== null) return null;
  const wrong = /'([^']+)'/.exec(finding.message)?.[1];
  if (typeof now !== "string" || now === wrong) return value;
  if (!now.includes("{{") && !/^steps\.|^trigger\./.test(now)) return value;
  if (wrong === undefined || now.split(wrong).length !== 2) return null;
  return now.replace(wrong, value);
}
