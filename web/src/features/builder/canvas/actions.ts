/** What the parts of the canvas can ask of it. */
import { createContext, useContext } from "react";
import type { Place } from "../../../graph";
import type { StepType } from "../server";

export interface CanvasActions {
  addAt: (place: Place) => void;
  openInspector: () => void;
  /** Rises when focus is to follow the selection. */
  focusTick: number;
  /** The node that Tab comes to while none is selected. */
  first: string | null;
  /** The edge or lane on which what is dragged would be put. */
  target: string | null;
  types: ReadonlyMap<string, StepType>;
}

export const CanvasContext = createContext<CanvasActions>({
  addAt: () => undefined,
  openInspector: () => undefined,
  focusTick: 0,
  first: null,
  target: null,
  types: new Map(),
});

export const useActions = () => useContext(CanvasContext);
