// One resource of the FHIR store, as its JSON.

import { ApiError, readFhir } from "./client.js";
import { h } from "./dom.js";
import { full } from "./format.js";
import { jsonText } from "./json_view.js";
import { href } from "./router.js";
import { empty, facts } from "./widgets.js";

export const title = "Resource";

export async function load({ parts }) {
  const path = parts.map(encodeURIComponent).join("/");
  try {
    return { path, resource: await readFhir(path) };
  } catch (error) {
    if (error instanceof ApiError && [404, 410].includes(error.status)) return { path, gone: error.status };
    throw error;
  }
}

export function render({ path, resource, gone }) {
  if (gone) {
    const text = gone === 410 ? "It was deleted; its history is kept." : "There is none under this address in this store.";
    return empty("written", "The resource is not here", text, { href: href("runs"), text: "Show all runs" });
  }
  return h(
    "div",
    { class: "plain-page" },
    h("h1", {}, resource.resourceType),
    facts([
      ["Address", h("span", { class: "mono" }, `fhir/${path}`)],
      ["Version", resource.meta?.versionId],
      ["Last changed", full(resource.meta?.lastUpdated)],
      ["Status", typeof resource.status === "string" ? resource.status : null],
    ]),
    jsonText(resource),
  );
}
