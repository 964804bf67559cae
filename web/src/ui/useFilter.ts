import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";

/** A filter that lives in the address: `const [find, setFind] = useFilter("find")`. What is typed
 * shows at once; the address follows without a step in the history, and leads when one goes back. */
export function useFilter(name: string, otherwise = ""): [string, (value: string) => void] {
  const [query, setQuery] = useSearchParams();
  const there = query.get(name) ?? otherwise;
  const [value, setValue] = useState(there);
  const latest = useRef(there);
  // What was typed comes back from the address one letter after the other: none of it is news.
  const own = useRef(new Set([there]));
  useEffect(() => {
    if (!own.current.has(there)) {
      latest.current = there;
      setValue(there);
    }
    if (there === latest.current) own.current = new Set([there]);
  }, [there]);
  const set = (next: string) => {
    setValue(next);
    latest.current = next;
    own.current.add(next);
    setQuery(
      (before) => {
        const after = new URLSearchParams(before);
        if (next && next !== otherwise) after.set(name, next);
        else after.delete(name);
        return after;
      },
      { replace: true },
    );
  };
  return [value, set];
}
