/** `/#key=<key>&go=/runs/x`: the key is taken out of the address at once, before anything is drawn;
 * the part behind `#` is never sent to a server. */
export function takeKey(): string | null {
  const hash = location.hash.slice(1);
  if (!hash.startsWith("key=")) return null;
  const given = new URLSearchParams(hash);
  const go = given.get("go") ?? "/";
  history.replaceState(null, "", `${location.pathname}${location.search}#${go.startsWith("/") ? go : `/${go}`}`);
  return given.get("key");
}
