/** Everything that the mouse does on the canvas, by the keyboard. */
import { type RefObject, useEffect, useRef } from "react";
import { useShortcut } from "../../../app/shortcuts";
import { type Direction, neighbour } from "../../../graph";
import { copied, paste, placeNow, remove } from "../edits";
import { useBuilderStore } from "../state";
import type { Asked } from "./Choosing";

interface Keys {
  box: RefObject<HTMLElement | null>;
  ask: (asked: Asked) => void;
  follow: () => void;
  openInspector: () => void;
  fit: () => void;
}

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

export function useCanvasKeys({ box, ask, follow, openInspector, fit }: Keys): void {
  const store = useBuilderStore();
  const now = useRef({ follow, openInspector });
  now.current = { follow, openInspector };
  // The help lists what was bound last first.
  useSaid();
  useShortcut("mod+l", "Tidy the canvas", () => {
    store.getState().move({}, "Tidied");
    store.getState().say("Tidied");
    fit();
  });
  useShortcut("mod+y", "Do again", () => store.getState().redo());
  useShortcut("shift+mod+z", "Do again", () => store.getState().redo());
  useShortcut("mod+z", "Undo", () => store.getState().undo());
  useShortcut("Backspace", "Remove the selected step", () => remove(store) && follow());
  useShortcut("Delete", "Remove the selected step", () => remove(store) && follow());
  useShortcut("c", "Connect: choose what comes after the selected step", () => {
    const from = store.getState().selection.node;
    if (from) ask({ kind: "connect", from });
    else store.getState().say("Select a step first");
  });
  useShortcut("/", "Add a step after the selected one", () => ask({ kind: "add", place: placeNow(store) }));
  useArrows(box, now);
  useClipboard(box, now);
}

/** Keys that are heard elsewhere: written here so that nothing takes them, only named in the help. */
function useSaid(): void {
  useShortcut("Ctrl+Space", "In a field: the names that can stand there", () => undefined);
  useShortcut("Ctrl+V", "Paste steps after the selected one", () => undefined);
  useShortcut("Ctrl+X", "Cut the selected step", () => undefined);
  useShortcut("Ctrl+C", "Copy the selected step as YAML", () => undefined);
  useShortcut("Esc", "In a field: back to the canvas; there: select nothing", () => undefined);
  useShortcut("Enter ↵", "Go to the fields of the selected step, or add to an empty branch", () => undefined);
  useShortcut("← ↑ ↓ →", "Select the next step in that direction", () => undefined);
}

type Now = RefObject<{ follow: () => void; openInspector: () => void }>;

function useArrows(box: RefObject<HTMLElement | null>, now: Now): void {
  const store = useBuilderStore();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const here = target === document.body || (box.current?.contains(target) && !target.closest("[role=dialog]"));
      if (!here || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const { picture, selection, select } = store.getState();
      const direction = ARROWS[event.key];
      if (direction) {
        const next = neighbour(picture.flow, selection.node, direction);
        if (next) select(next.key);
        now.current.follow();
      } else if (event.key === "Enter" && selection.node && target.dataset.node && !selection.node.startsWith("empty:")) {
        now.current.openInspector();
      } else if (event.key === "Escape" && selection.node && target.dataset.node) {
        select(null);
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [box, now, store]);
}

/** Steps travel as YAML text, so that they can be pasted into a file, a mail, another workflow. */
function useClipboard(box: RefObject<HTMLElement | null>, now: Now): void {
  const store = useBuilderStore();
  useEffect(() => {
    const here = () => {
      const active = document.activeElement;
      return active === document.body || (box.current?.contains(active) && !active?.closest("input, textarea"));
    };
    const copy = (event: ClipboardEvent) => {
      const text = here() && getSelection()?.isCollapsed !== false ? copied(store) : null;
      if (text === null || !event.clipboardData) return;
      event.clipboardData.setData("text/plain", text);
      event.preventDefault();
      store.getState().say("Copied as YAML");
      if (event.type === "cut" && remove(store)) now.current.follow();
    };
    const put = (event: ClipboardEvent) => {
      const text = here() ? event.clipboardData?.getData("text/plain") : undefined;
      if (!text) return;
      event.preventDefault();
      if (paste(store, text)) now.current.follow();
    };
    document.addEventListener("copy", copy);
    document.addEventListener("cut", copy);
    document.addEventListener("paste", put);
    return () => {
      document.removeEventListener("copy", copy);
      document.removeEventListener("cut", copy);
      document.removeEventListener("paste", put);
    };
  }, [box, now, store]);
}
