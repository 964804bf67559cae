import { useEffect, useState } from "react";
import { send } from "../api/client";

export interface Fetched {
  /** An address of this page for the bytes; undefined while they come. */
  src?: string;
  type?: string;
  /** Of a plain text: what it says. The pages' policy lets no script fetch a blob: address. */
  text?: string;
  error?: unknown;
}

/** Bytes of the server as an address that `img` and `iframe` can show; let go of with the page. */
export function useBytes(path: string, accept: string): Fetched {
  const [state, setState] = useState<Fetched>({});
  useEffect(() => {
    const stop = new AbortController();
    let src: string | undefined;
    setState({});
    send("GET", path, { accept, signal: stop.signal })
      .then(async (answer) => {
        const type = (answer.headers.get("Content-Type") ?? "").split(";")[0] ?? "";
        const blob = await answer.blob();
        if (stop.signal.aborted) return;
        const text = type === "text/plain" ? await blob.text() : undefined;
        if (stop.signal.aborted) return;
        src = URL.createObjectURL(blob);
        setState({ src, type, ...(text === undefined ? {} : { text }) });
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setState({ error });
      });
    return () => {
      stop.abort();
      if (src) URL.revokeObjectURL(src);
    };
  }, [path, accept]);
  return state;
}
