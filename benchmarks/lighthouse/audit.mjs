// Lighthouse over the pages of a browser that is open already, and signed in.
// node audit.mjs <port of the browser> <pages as JSON: [{name, url, form}]>; prints their scores as JSON.
import lighthouse, { desktopConfig } from "lighthouse";

const [port, pages] = process.argv.slice(2);
const TRACES = 3; // A browser now and then loses the beginning of a trace; Lighthouse asks to be run again.
const found = [];
for (const { name, url, form } of JSON.parse(pages)) {
  // Cookies stay: what is measured is the page of somebody who is signed in, with an empty cache.
  const flags = { port: Number(port), output: "json", logLevel: "error", disableStorageReset: true, clearStorageTypes: [] };
  const onlyCategories = ["performance", "accessibility", "best-practices"];
  const config = form === "desktop" ? desktopConfig : undefined;
  let result = await lighthouse(url, { ...flags, onlyCategories }, config);
  for (let again = 1; again < TRACES && result?.lhr.runtimeError?.code === "NO_NAVSTART"; again += 1) {
    result = await lighthouse(url, { ...flags, onlyCategories }, config);
  }
  if (!result) throw new Error(`${name} was not measured`);
  const { categories, audits, runtimeError } = result.lhr;
  if (runtimeError) throw new Error(`${name}: ${runtimeError.message}`);
  const refused = audits["network-requests"].details.items.filter(({ statusCode }) => statusCode === 401 || statusCode === 403);
  if (refused.length) throw new Error(`${name}: ${refused[0].url} was refused, so that another page was shown`);
  const scores = Object.values(categories).map(({ id, score }) => [id, Math.round((score ?? 0) * 100)]);
  const weak = Object.values(categories).flatMap(({ auditRefs }) =>
    auditRefs.filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9).map(({ id }) => id),
  );
  const times = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"];
  found.push({
    name,
    form,
    scores: Object.fromEntries(scores),
    times: Object.fromEntries(times.map((id) => [id, audits[id].numericValue])),
    weak,
  });
}
console.log(JSON.stringify(found));
