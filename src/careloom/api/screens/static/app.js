// The application: sign-in, frame, keyboard, and the clock that asks the server for news.

import { dropKey, get, hasKey, isLost, signals, Unreachable } from "./client.js";
import { showKeys } from "./dialogs.js";
import { h, patch } from "./dom.js";
import * as fhir from "./fhir.js";
import { plural } from "./format.js";
import { icon } from "./icons.js";
import * as inbox from "./inbox.js";
import * as incidents from "./incidents.js";
import * as messages from "./messages.js";
import { forgetPictures, onPicture } from "./picture.js";
import { here, href, takeKey } from "./router.js";
import * as runs from "./runs.js";
import { refused, signIn, signInPage } from "./sign_in.js";
import { forgetFiles } from "./stored_file.js";
import { onChange, problem } from "./widgets.js";
import * as workflows from "./workflows.js";

const EVERY_MS = 1000;
const COUNT_EVERY = 5;
const PAGES = { runs, inbox, workflows, incidents, messages, fhir };
const RAIL = [
  ["runs", "Runs"],
  ["inbox", "Inbox"],
  ["workflows", "Workflows"],
  ["incidents", "Incidents"],
  ["messages", "Messages"],
];

const app = document.getElementById("app");
const shown = { route: here(), data: null, error: null, openTasks: null };
let turn = 0;
let asking = false;
let ticks = 0;

const context = { refresh, redraw: draw, say };

/** Say something to a screen reader. */
function say(text) {
  document.getElementById("spoken").textContent = text;
}

function draw() {
  if (!hasKey()) {
    document.title = "Sign in · Careloom";
    patch(app, signInPage(enter));
    return;
  }
  const page = PAGES[shown.route.page] ?? runs;
  document.title = `${page.title} · Careloom`;
  patch(app, h("div", { class: "frame" }, rail(), h("main", { class: "page" }, banner(), content(page))));
}

function content(page) {
  const late = shown.error ? problem(shown.error, "What is shown may be old.") : null;
  if (!shown.data) return h("div", { class: "loading", key: "loading" }, late ?? "Loading …");
  return h("div", { class: "content", key: shown.route.page }, late, page.render(shown.data, shown.route, context));
}

function banner() {
  if (!isLost()) return null;
  return h("div", { class: "banner", role: "alert" }, icon("offline"), "The server does not answer. What you see is kept; this page goes on by itself as soon as it is back.");
}

function rail() {
  const count = shown.openTasks;
  return h(
    "nav",
    { class: "rail", "aria-label": "Pages" },
    RAIL.map(([name, word]) =>
      h(
        "a",
        { key: name, href: href(name), class: "rail-item", "aria-current": shown.route.page === name ? "page" : null },
        icon(name, 20),
        h("span", {}, word),
        name === "inbox" && count ? h("span", { class: "badge", "aria-label": `${plural(count, "open task")}` }, count > 99 ? "99+" : String(count)) : null,
      ),
    ),
    h("div", { class: "rail-gap" }),
    h("button", { class: "rail-item", onclick: showKeys }, icon("help", 20), h("span", {}, "Keys")),
    h("button", { class: "rail-item", onclick: leave }, icon("out", 20), h("span", {}, "Sign out")),
  );
}

/** Ask the server for what the page shows, and draw what changed. */
async function refresh() {
  if (!hasKey()) return;
  const mine = ++turn;
  const { route } = shown;
  const page = PAGES[route.page] ?? runs;
  asking = true;
  try {
    const data = await page.load(route, shown.data);
    if (mine === turn) Object.assign(shown, { data, error: null });
  } catch (error) {
    if (mine === turn && !(error instanceof Unreachable)) shown.error = error;
  } finally {
    if (mine === turn) asking = false;
  }
  if (mine === turn) draw();
}

async function countTasks() {
  try {
    const tasks = await get("api/tasks", { limit: 100 });
    shown.openTasks = tasks.filter(inbox.isOpenTask).length;
  } catch {
    shown.openTasks = null;
  }
}

async function moved() {
  const given = takeKey();
  if (given !== null) return enter(given);
  const before = shown.route;
  shown.route = here();
  shown.error = null;
  if (before.page !== shown.route.page) shown.data = null;
  draw();
  await refresh();
  focusOpened(before);
}

/** What was opened takes the focus, so that the keyboard and a screen reader go on there. */
function focusOpened(before) {
  if (before.page === shown.route.page && before.parts.join() === shown.route.parts.join()) return;
  const title = app.querySelector("[data-opened]");
  if (title) title.focus({ preventScroll: true });
  else if (before.page !== shown.route.page) app.querySelector(".page")?.scrollTo(0, 0);
}

async function enter(key) {
  dropKey();
  if (!(await signIn(key, draw))) return;
  Object.assign(shown, { route: here(), data: null, error: null });
  draw();
  await Promise.all([refresh(), countTasks()]);
  draw();
}

function leave() {
  dropKey();
  forgetPictures();
  forgetFiles();
  Object.assign(shown, { data: null, openTasks: null });
  draw();
}

async function tick() {
  if (document.visibilityState !== "visible" || !hasKey() || asking) return;
  if (ticks++ % COUNT_EVERY === 0) await countTasks();
  await refresh();
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !hasKey()) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const page = RAIL["12345".indexOf(event.key)];
  if (page) location.hash = href(page[0]);
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") app.querySelector("[data-filter]")?.focus();
  else if (event.key === "?") showKeys();
  else if (event.key === "Escape") backToList();
  else return;
  event.preventDefault();
}

/** In a narrow window the list is another page. */
function backToList() {
  const back = app.querySelector(".back");
  if (back?.offsetParent) back.click();
  else app.querySelector(".row[aria-current]")?.focus();
}

function step(by) {
  const rows = [...app.querySelectorAll(".row")];
  if (!rows.length) return;
  const focused = rows.indexOf(document.activeElement);
  const from = focused >= 0 ? focused : rows.findIndex((one) => one.hasAttribute("aria-current"));
  const next = from < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, from + by));
  rows[next].focus();
}

onChange(draw);
onPicture(draw);
signals.addEventListener("connection", () => {
  draw();
  if (!isLost()) say("The server answers again");
});
signals.addEventListener("refused", () => {
  refused();
  leave();
});
addEventListener("hashchange", moved);
addEventListener("keydown", keys);
document.addEventListener("visibilitychange", tick);
setInterval(tick, EVERY_MS);

const given = takeKey();
if (given !== null) enter(given);
else {
  draw();
  moved();
}
