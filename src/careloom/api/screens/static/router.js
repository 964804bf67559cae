// Addresses inside the page: everything behind `#`, which a browser never sends to a server.
// `#/runs/run_…?status=failed` is a page, its parts and its filters.

/** Where we are: {page, parts, query}. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page = "", ...parts] = path.split("/").map(decode);
  return { page: page || "runs", parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function href(page, parts = [], query = {}) {
  const set = Object.entries(query).filter(([, value]) => value);
  const tail = set.length ? `?${new URLSearchParams(set)}` : "";
  return `#/${[page, ...parts].map(encodeURIComponent).join("/")}${tail}`;
}

export function go(page, parts, query) {
  location.hash = href(page, parts, query);
}

/** The key in `#key=…` (and `&go=/runs/…` behind it), removed from the address bar at once. */
export function takeKey() {
  if (!location.hash.startsWith("#key=")) return null;
  const given = new URLSearchParams(location.hash.slice(1));
  const target = given.get("go") ?? "/runs";
  history.replaceState(null, "", `${location.pathname}#${target}`);
  return given.get("key");
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
