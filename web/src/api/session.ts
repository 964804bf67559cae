/** How this tab proves who it is: a cookie that scripts cannot read, with a CSRF token for writes;
 * against a server without browser sessions, the API key, kept in the tab. */

const KEY = "careloom.key";
const CSRF = "careloom.csrf";

export const REFUSED = "careloom:refused";

export function authorization(method: string): Record<string, string> {
  const key = sessionStorage.getItem(KEY);
  if (key) return { Authorization: `Bearer ${key}` };
  const csrf = sessionStorage.getItem(CSRF);
  return csrf && !["GET", "HEAD"].includes(method) ? { "X-CSRF-Token": csrf } : {};
}

/** Whether the tab holds an API key itself, because the server has no browser sessions. */
export const holdsKey = (): boolean => sessionStorage.getItem(KEY) !== null;

export function keepKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

export function keepCsrf(token: string): void {
  sessionStorage.removeItem(KEY);
  sessionStorage.setItem(CSRF, token);
}

export function forget(): void {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(CSRF);
}
