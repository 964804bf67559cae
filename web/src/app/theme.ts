import { createTheme, type MantineColorSchemeManager, type MantineColorsTuple } from "@mantine/core";
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";
export type WantedTheme = Theme | "system";

const KEY = "careloom.theme";
const CHANGED = "careloom:theme";
const system = () => matchMedia("(prefers-color-scheme: dark)");

/** What the person chose; "system" follows the machine. */
export function wantedTheme(): WantedTheme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** The theme that is shown. */
export const shownTheme = (): Theme =>
  document.documentElement.getAttribute("data-theme") === "dark" ? "dark" : "light";

export function chooseTheme(wanted: WantedTheme): void {
  if (wanted === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, wanted);
  apply();
}

function apply(): void {
  const wanted = wantedTheme();
  const theme = wanted === "system" ? (system().matches ? "dark" : "light") : wanted;
  document.documentElement.setAttribute("data-theme", theme);
  document.documentElement.setAttribute("data-mantine-color-scheme", theme);
  dispatchEvent(new Event(CHANGED));
}

function subscribe(changed: () => void): () => void {
  const machine = system();
  addEventListener(CHANGED, changed);
  machine.addEventListener("change", apply);
  return () => {
    removeEventListener(CHANGED, changed);
    machine.removeEventListener("change", apply);
  };
}

/** The theme that is shown; drawn pictures (canvas, uPlot) are made anew when it changes. */
export const useTheme = (): Theme => useSyncExternalStore(subscribe, shownTheme);

/** Mantine follows data-theme; it keeps nothing itself. */
export const schemeManager: MantineColorSchemeManager = {
  get: () => shownTheme(),
  set: () => undefined,
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  clear: () => undefined,
};

const ink = Array.from({ length: 10 }, () => "var(--accent-fill)") as unknown as MantineColorsTuple;

export const mantineTheme = createTheme({
  primaryColor: "accent",
  colors: { accent: ink },
  fontFamily: "var(--sans)",
  fontFamilyMonospace: "var(--mono)",
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    InputWrapper: { defaultProps: { inputWrapperOrder: ["label", "input", "description", "error"] } },
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm", allowDeselect: false } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: false } },
  },
});
