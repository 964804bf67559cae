import { useEffect, useRef } from "react";
import { setLost } from "./client";
import type { Me } from "./me";
import { queryClient, refresh } from "./queries";

/** Something that was committed on the server: ids, states and times, no content. */
export interface LiveEvent {
  /** run, step, task, incident, message, workflow; resync: ask for everything again. */
  kind: string;
  data: Record<string, unknown>;
}

type Listener = { topics: readonly string[]; hear: (event: LiveEvent) => void };

const KINDS = ["run", "step", "task", "incident", "message", "workflow", "resync"] as const;
/** Listened to all the time, each with the permission it needs; `run:<id>` is added while a page
 * asks for it. */
const ALWAYS: readonly (readonly [topic: string, permission: string])[] = [
  ["runs", "run:read"],
  ["tasks", "task:read"],
  ["messages", "run:read"],
  ["incidents", "workflow:read"],
  ["workflows", "workflow:read"],
];
const AGAIN = 3_000;
const listeners = new Set<Listener>();
let source: EventSource | null = null;
let open = "";
let settle: ReturnType<typeof setTimeout> | undefined;
let last = "";
/** Nobody sees this tab: it leaves its connection to others, for a browser has few to one server. */
let parked = false;
/** It was parked before anything was heard: there is no place to go on from. */
let missed = false;

function wanted(): string {
  const held = queryClient.getQueryData<Me>(["me"])?.permissions ?? [];
  const topics = new Set(ALWAYS.filter(([, needs]) => held.includes(needs)).map(([topic]) => topic));
  for (const { topics: more } of listeners) more.forEach((topic) => topics.add(topic));
  return [...topics].sort().join(",");
}

function tell(event: LiveEvent): void {
  for (const listener of [...listeners]) listener.hear(event);
}

function connect(): void {
  const topics = wanted();
  if (parked || !listeners.size || !topics) return disconnect();
  if (source && topics === open) return;
  const gap = (source !== null || missed) && !last;
  missed = false;
  source?.close();
  open = topics;
  const place = last ? `&lastEventId=${encodeURIComponent(last)}` : "";
  const made = new EventSource(`api/stream?topics=${encodeURIComponent(topics)}${place}`);
  source = made;
  made.onopen = () => {
    setLost(false);
    if (gap) tell({ kind: "resync", data: {} });
  };
  made.onerror = () => failed(made);
  for (const kind of KINDS) {
    made.addEventListener(kind, (message: MessageEvent<string>) => {
      last = message.lastEventId || last;
      tell({ kind, data: message.data ? (JSON.parse(message.data) as Record<string, unknown>) : {} });
    });
  }
}

/** The browser comes again by itself when the line breaks; after a refusal we do. */
function failed(made: EventSource): void {
  if (made !== source) return;
  if (made.readyState === EventSource.CONNECTING) return setLost(true);
  disconnect();
  setTimeout(changed, AGAIN);
}

function disconnect(): void {
  source?.close();
  source = null;
  open = "";
}

const UNSEEN = 10_000;

/** Called once: a tab that is not seen for a while hears nothing, and catches up when it is. */
export function parkUnseen(): void {
  let away: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) {
      away = setTimeout(() => {
        missed = source !== null;
        parked = true;
        disconnect();
      }, UNSEEN);
    } else if (parked) {
      parked = false;
      changed();
    }
  });
}

function changed(): void {
  clearTimeout(settle);
  settle = setTimeout(connect, 20);
}

/** Hear what happens. All listeners share one EventSource; topics: "runs", "tasks", "incidents",
 * "messages", "workflows", "run:<id>". After a gap a `resync` comes. */
export function useLive(topics: readonly string[], onEvent: (event: LiveEvent) => void): void {
  const hear = useRef(onEvent);
  hear.current = onEvent;
  const key = topics.join(",");
  useEffect(() => {
    const listener: Listener = { topics: key ? key.split(",") : [], hear: (event) => hear.current(event) };
    listeners.add(listener);
    changed();
    return () => {
      listeners.delete(listener);
      changed();
    };
  }, [key]);
}

const PAUSE = 200;
const LONGEST = 5_000;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Ask again for `paths` when one of `kinds` happens (to one run, when it is named): at once, then
 * at most five times a second, and not before the last answer is there. */
export function useLiveRefresh(kinds: readonly string[], paths: readonly string[], run?: string): void {
  const state = useRef({ busy: false, more: false, gone: false });
  const ask = async (): Promise<void> => {
    const now = state.current;
    now.more = now.busy;
    if (now.busy) return;
    now.busy = true;
    await Promise.all([pause(PAUSE), Promise.race([refresh(...paths), pause(LONGEST)])]);
    now.busy = false;
    if (now.more && !now.gone) await ask();
  };
  useEffect(() => {
    state.current.gone = false;
    return () => void (state.current.gone = true);
  }, []);
  useLive(run ? [`run:${run}`] : [], ({ kind, data }) => {
    const about = kinds.includes(kind) && (run === undefined || data.runId === run);
    if (kind === "resync" || about) void ask();
  });
}
