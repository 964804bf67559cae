/** The session is a cookie that scripts cannot read; what they hold is its CSRF token, which every
 * request that changes something carries. It is read anew from the server with each page load. */
let csrf = "";

/** Sent when the server no longer knows the session. */
export const REFUSED = "careloom:refused";

export const keepCsrf = (token: string): void => {
  csrf = token;
};

export const proof = (method: string): Record<string, string> =>
  csrf && method !== "GET" && method !== "HEAD" ? { "X-CSRF-Token": csrf } : {};
