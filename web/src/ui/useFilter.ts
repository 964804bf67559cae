import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";

/** A filter that lives in the address: `const [find, setFind] = useFilter("find")`. What is typed
 * shows at once; the address follows without a step in the history, and leads when one goes back. */
export function useFilter(name: string, otherwise = ""): [string, (value: string) => void] {
  const [query, setQuery] = useSearchParams();
  const there = query.get(name) ?? otherwise;
  const [value, setValue] = useState(there);
  const written = useRef(there);
  useEffect(() => {
    if (there === written.current) return;
    written.current = there;
    setValue(there);
  }, [there]);
  const set = (next: string) => {
    setValue(next);
    written.current = next;
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
