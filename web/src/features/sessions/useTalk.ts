import { useEffect, useState } from "react";
import { refresh } from "../../api/queries";
import { grown, type Coming } from "./talk";

/** Hear a conversation: its words as they come; what has ended is asked for again. */
export function useTalk(id: string): { coming: Coming | undefined } {
  const [coming, setComing] = useState<Coming>();
  useEffect(() => {
    const path = `api/sessions/${id}`;
    const source = new EventSource(`${path}/stream`);
    const again = () => refresh(path);
    source.addEventListener("delta", (event: MessageEvent<string>) => {
      const delta = JSON.parse(event.data) as { taskId: string; attempt?: number; text: string };
      setComing((before) => grown(before, delta));
    });
    source.addEventListener("task", again);
    source.addEventListener("message", again);
    source.addEventListener("done", () => {
      setComing(undefined);
      again();
    });
    return () => source.close();
  }, [id]);
  return { coming };
}
