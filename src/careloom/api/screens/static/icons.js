// Line icons on a 24 × 24 grid, drawn in the colour of the text.

import { h } from "./dom.js";

const PATHS = {
  done: "M4.5 12.5l5 5 10-11",
  running: "M12 3a9 9 0 1 1-9 9 M12 8v4l3 2",
  waiting: "M7 3h10 M7 21h10 M8 3c0 5 8 6 8 9s-8 4-8 9 M16 3c0 5-8 6-8 9s8 4 8 9",
  failed: "M6 6l12 12 M18 6L6 18",
  cancelled: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18 M5.8 5.8l12.4 12.4",
  skipped: "M5 6l7 6-7 6z M18 6v12",
  runs: "M4 6h10 M4 12h16 M9 18h11",
  inbox: "M4 5h16v14H4z M4 13h5l1.5 3h3L15 13h5",
  workflows: "M4 4h6v6H4z M14 14h6v6h-6z M10 7h4a3 3 0 0 1 3 3v4",
  incidents: "M12 4l9 16H3z M12 10v4 M12 17v.2",
  messages: "M4 5h16v11H10l-5 4v-4H4z",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8 M4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
  help: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18 M9.5 9.500a2.5 2.5 0 1 1 3.5 2.300c-.7.3-1 .8-1 1.7 M12 16.800v.2",
  out: "M10 4H5v16h5 M14 8l4 4-4 4 M18 12H9",
  open: "M9 6l6 6-6 6",
  back: "M15 6l-6 6 6 6",
  play: "M7 5l12 7-12 7z",
  paused: "M8 5v14 M16 5v14",
  undo: "M8 5L4 9l4 4 M4 9h10a5 5 0 0 1 0 10H8",
  stop: "M6 6h12v12H6z",
  written: "M6 3h8l4 4v14H6z M14 3v4h4 M9 12h6 M9 16h6",
  image: "M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M9 9v.2",
  offline: "M3 3l18 18 M5 12a10 10 0 0 1 4-2.5 M15 9.500a10 10 0 0 1 4 2.5 M9 16a4.5 4.5 0 0 1 6 0 M12 19.800v.2",
  key: "M8 11a4 4 0 1 1 0 8 4 4 0 0 1 0-8 M11 12l8-8 M16 7l3 3",
};

/** An icon that says nothing to a screen reader: a word always stands beside it. */
export function icon(name, size = 16) {
  return h(
    "svg",
    { viewBox: "0 0 24 24", width: size, height: size, class: `icon icon-${name}`, "aria-hidden": "true", focusable: "false" },
    h("path", { d: PATHS[name] }),
  );
}
