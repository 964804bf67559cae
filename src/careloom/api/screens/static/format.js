// Times, lengths of time and names, in words.

const DAY = 86_400_000;
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** 840 ms, 12.3 s, 3 min 12 s, 2 h 5 min, 4 d 3 h. */
export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "";
  if (ms < 0) return duration(0);
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The time of day; with the date when it was not today. */
export function clock(iso) {
  const at = new Date(iso);
  const today = new Date().toDateString() === at.toDateString();
  return today ? clockFormat.format(at) : `${dayFormat.format(at)}, ${clockFormat.format(at)}`;
}

export const full = (iso) => (iso ? fullFormat.format(new Date(iso)) : "");

export function ago(iso, now = Date.now()) {
  const ms = now - Date.parse(iso);
  if (ms < 60_000) return "just now";
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  return ms < DAY ? `${Math.floor(ms / 3_600_000)} h ago` : dayFormat.format(new Date(iso));
}

/** "in 4 min", "due 3 min ago". */
export function until(iso, now = Date.now()) {
  const ms = Date.parse(iso) - now;
  return ms >= 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`;
}

export const percent = (value) => `${(value * 100).toFixed(value >= 0.0995 ? 0 : 1)} %`;

/** "storeReport" and "store-report" as "Store report"; short names of standards stay capitals. */
export function words(name) {
  const spaced = String(name).replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[-_.]+/g, " ").trim().toLowerCase();
  const text = spaced.replace(/\b(dicom|fhir|ai|id|ocr|news2|pdf|uri|url)\b/g, (short) => short.toUpperCase());
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export const isReference = (text) => /^[A-Z][A-Za-z]{2,40}\/[A-Za-z0-9.-]{1,64}$/.test(text);
