/** Dragging from the palette onto the canvas with the pointer, touch included. */
import { type RefObject, useEffect, useRef } from "react";
import type { Spot } from "../../../graph";

interface Dragging {
  key: string;
  title: string;
  x: number;
  y: number;
}

type Listener = (phase: "move" | "drop" | "cancel", dragging: Dragging) => void;
const listeners = new Set<Listener>();
const THRESHOLD = 4;

/** Called when a pointer goes down on something of the palette; a click that does not move is none. */
export function beginDrag(event: React.PointerEvent, key: string, title: string): void {
  if (event.button !== 0) return;
  const [fromX, fromY] = [event.clientX, event.clientY];
  let ghost: HTMLElement | null = null;
  const tell = (phase: "move" | "drop" | "cancel", at: { clientX: number; clientY: number }) => {
    for (const listener of listeners) listener(phase, { key, title, x: at.clientX, y: at.clientY });
  };
  const move = (now: PointerEvent) => {
    if (!ghost && Math.hypot(now.clientX - fromX, now.clientY - fromY) < THRESHOLD) return;
    if (!ghost) {
      ghost = document.createElement("div");
      ghost.className = "careloom-dragged";
      ghost.textContent = title;
      document.body.append(ghost);
    }
    ghost.style.transform = `translate(${now.clientX + 8}px, ${now.clientY + 8}px)`;
    tell("move", now);
  };
  const stop = () => {
    ghost?.remove();
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", cancel);
    removeEventListener("keydown", escape, true);
  };
  const up = (now: PointerEvent) => {
    const moved = ghost !== null;
    stop();
    if (!moved) return;
    // Dropped where it was taken, the browser makes a click of it: that one adds nothing.
    const swallow = (click: Event) => click.stopPropagation();
    addEventListener("click", swallow, { capture: true });
    setTimeout(() => {
      removeEventListener("click", swallow, { capture: true });
      tell("drop", now);
    }, 0);
  };
  const cancel = (now: PointerEvent) => {
    stop();
    tell("cancel", now);
  };
  const escape = (pressed: KeyboardEvent) => {
    if (pressed.key !== "Escape") return;
    stop();
    tell("cancel", { clientX: 0, clientY: 0 });
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", cancel);
  addEventListener("keydown", escape, true);
}

interface Drop {
  box: RefObject<HTMLElement | null>;
  spot: (x: number, y: number) => Spot | null;
  over: (spot: Spot | null) => void;
  drop: (key: string, spot: Spot) => void;
}

export function useDrop(given: Drop): void {
  const now = useRef(given);
  now.current = given;
  useEffect(() => {
    const hear: Listener = (phase, { key, x, y }) => {
      const { box, spot, over, drop } = now.current;
      const bounds = box.current?.getBoundingClientRect();
      const inside = bounds && x >= bounds.left && x <= bounds.right && y >= bounds.top && y <= bounds.bottom;
      const found = inside && phase !== "cancel" ? spot(x, y) : null;
      if (phase === "drop" && found) drop(key, found);
      else over(phase === "move" ? found : null);
    };
    listeners.add(hear);
    return () => {
      listeners.delete(hear);
    };
  }, []);
}
