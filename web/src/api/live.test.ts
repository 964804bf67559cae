import { expect, it, vi } from "vitest";
import { parkUnseen, useLive } from "./live";

/** React's effects and places, as far as one hook that never renders again needs them. */
vi.mock("react", () => ({ useEffect: (act: () => void) => act(), useRef: <T>(current: T) => ({ current }) }));
vi.mock("./queries", () => ({ queryClient: { getQueryData: () => ({ permissions: ["run:read"] }) }, refresh: vi.fn() }));

const lines: Line[] = [];

class Line {
  static CONNECTING = 0;
  closed = false;
  onopen: () => void = () => undefined;
  heard = new Map<string, (message: unknown) => void>();
  constructor(readonly url: string) {
    lines.push(this);
  }
  addEventListener(kind: string, hear: (message: unknown) => void) {
    this.heard.set(kind, hear);
  }
  close() {
    this.closed = true;
  }
}

const tab = Object.assign(new EventTarget(), { hidden: false });

function see(hidden: boolean): void {
  tab.hidden = hidden;
  tab.dispatchEvent(new Event("visibilitychange"));
}

vi.useFakeTimers();
vi.stubGlobal("EventSource", Line);
vi.stubGlobal("document", tab);
vi.stubGlobal("dispatchEvent", () => true);

it("a tab that nobody sees gives its connection back after a while, and catches up when it is seen", () => {
  const told: string[] = [];
  parkUnseen();
  useLive(["runs"], ({ kind }) => told.push(kind));
  vi.advanceTimersByTime(100);
  expect(lines).toHaveLength(1);

  // Seen again at once: it keeps it.
  see(true);
  vi.advanceTimersByTime(1_000);
  see(false);
  vi.advanceTimersByTime(60_000);
  expect(lines.map(({ closed }) => closed)).toEqual([false]);

  // It had heard nothing yet: everything is asked for again.
  see(true);
  vi.advanceTimersByTime(60_000);
  expect(lines.map(({ closed }) => closed)).toEqual([true]);
  see(false);
  vi.advanceTimersByTime(100);
  lines[1]?.onopen();
  expect(told).toEqual(["resync"]);

  // It had heard something: it goes on from there.
  lines[1]?.heard.get("run")?.({ lastEventId: "7", data: "{}" });
  see(true);
  vi.advanceTimersByTime(60_000);
  see(false);
  vi.advanceTimersByTime(100);
  expect(lines[2]?.url).toContain("lastEventId=7");
  lines[2]?.onopen();
  expect(told).toEqual(["resync", "run"]);
});
