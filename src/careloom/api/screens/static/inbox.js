// The inbox: what waits for a person. What is typed is kept by task, whatever is refreshed.

import { ApiError, get, post } from "./client.js";
import { priority } from "./codes.js";
import { h } from "./dom.js";
import { ago, clock, full, isReference, until, words } from "./format.js";
import { icon } from "./icons.js";
import { jsonText, reference } from "./json_view.js";
import { instanceOf, picture } from "./picture.js";
import { go, here, href } from "./router.js";
import { backLink, chip, empty, facts, heading, problem, row, split } from "./widgets.js";

export const title = "Inbox";
const OPEN = new Set(["requested", "accepted"]);
const comments = new Map();
let refusal = null;
let busy = false;

export const isOpenTask = (task) => OPEN.has(task.status);

export async function load({ parts: [id], query }) {
  const tasks = await get("api/tasks", { limit: 200 });
  const rows = query.show === "all" ? tasks : tasks.filter(isOpenTask);
  return { rows, open: id ? await opened(id, tasks) : null };
}

async function opened(id, tasks) {
  const listed = tasks.find((task) => task.id === id);
  if (listed) return listed;
  try {
    return await get(`api/tasks/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { missing: true, id };
    throw error;
  }
}

export function render({ rows, open }, route, context) {
  return split({
    title,
    open: Boolean(open),
    filters: filter(route),
    list: rows.length
      ? h("div", { class: "list-body" }, h("ul", { class: "rows" }, rows.map((task) => taskRow(task, route))))
      : h("div", { class: "list-empty" }, empty("inbox", "Nothing waits for you", "A task appears here when a workflow needs a person's decision.", { href: href("runs"), text: "Show the runs" })),
    detail: open ? detail(open, rows, route, context) : rows.length ? empty("inbox", "Open a task", "The most urgent stands first. With the keyboard: j, k and Enter.") : null,
  });
}

function filter({ parts, query }) {
  return h("div", { class: "filters" }, h("label", {}, h("span", {}, "Show"), h(
    "select",
    { "data-filter": true, value: query.show ?? "", onchange: (event) => go("inbox", parts, { show: event.target.value }) },
    h("option", { value: "" }, "Open tasks"),
    h("option", { value: "all" }, "All tasks"),
  )));
}

function taskRow(task, { parts, query }) {
  const closed = !isOpenTask(task);
  return row(
    task.id,
    href("inbox", [task.id], query),
    task.id === parts[0],
    h("span", { class: "row-top" }, h("strong", {}, task.title), h("time", { title: full(task.createdAt) }, ago(task.createdAt))),
    h("span", { class: "row-low" }, chip(task.status), h("span", { class: "soft clip" }, closed ? words(task.queue) : timeLeft(task))),
  );
}

const timeLeft = (task) => (task.due ? `${priority(task.priority)} · due ${until(task.due)}` : priority(task.priority));

function detail(task, rows, route, context) {
  const back = backLink(href("inbox", [], route.query), "All tasks");
  if (task.missing) return [back, empty("inbox", "There is no such task", "It belongs to another store, or the address is not whole.", { href: href("inbox"), text: "Show the inbox" })];
  const open = isOpenTask(task);
  return h(
    "article",
    { class: "task", key: task.id },
    back,
    h("header", { class: "run-head" }, h("div", { class: "run-title" }, heading(task.id, task.title), chip(task.status, task.assignee && open ? `Claimed by ${task.assignee}` : undefined))),
    task.description ? h("p", {}, task.description) : null,
    task.ai ? h("p", { class: "notice waiting" }, icon("incidents", 18), "A model had a part in this. Check it before you decide.") : null,
    shownValues(task.show ?? {}),
    refusal?.task === task.id ? problem(refusal.error, "Your comment is kept.") : null,
    open ? decision(task, rows, route, context) : null,
    facts([
      ["Priority", priority(task.priority)],
      ["Queue", words(task.queue)],
      ["Due", task.due ? `${clock(task.due)} (${until(task.due)})` : null],
      ["Asked", full(task.createdAt)],
      ["Decided", full(task.closedAt)],
      ["Run", task.runId ? h("a", { href: href("runs", [task.runId]) }, "Open the run") : null],
    ]),
  );
}

function shownValues(show) {
  const entries = Object.entries(show);
  if (!entries.length) return null;
  return h("section", { class: "card show", "aria-label": "What to look at" }, facts(entries.map(([name, value]) => [words(name), shownValue(value)])));
}

function shownValue(value) {
  if (value === null || value === undefined) return "not known";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") return jsonText(value);
  const text = String(value);
  if (instanceOf(text)) return picture(text);
  return isReference(text) ? reference(text) : h("span", { class: "said" }, text);
}

function decision(task, rows, route, context) {
  const decide = (verb) => () => settle(task, verb, rows, route, context);
  return h(
    "form",
    { class: "decision", onsubmit: (event) => event.preventDefault() },
    h("label", { for: `comment-${task.id}` }, "Comment (kept with the decision)"),
    h("textarea", { id: `comment-${task.id}`, rows: "3", value: comments.get(task.id) ?? "", oninput: (event) => comments.set(task.id, event.target.value) }),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button main", disabled: busy, onclick: decide("approve") }, icon("done", 16), "Approve"),
      h("button", { type: "button", class: "button danger", disabled: busy, onclick: decide("reject") }, icon("failed", 16), "Reject"),
      task.status === "requested" ? h("button", { type: "button", class: "button quiet", disabled: busy, onclick: () => act(task, context, () => post(`api/tasks/${task.id}/claim`), "You have the task") }, icon("person", 16), "Claim") : null,
    ),
  );
}

/** Decide, then open the next task, unless the person has moved on by then. */
async function settle(task, verb, rows, route, context) {
  const body = { decision: verb, comment: comments.get(task.id)?.trim() || null };
  const word = verb === "approve" ? "Approved" : "Rejected";
  const done = await act(task, context, () => post(`api/tasks/${task.id}/decision`, body), `${word}. The run goes on`);
  if (!done) return;
  comments.delete(task.id);
  if (here().parts[0] !== task.id) return;
  const next = rows.find((one) => one.id !== task.id && isOpenTask(one));
  go("inbox", next ? [next.id] : [], route.query);
}

async function act(task, context, call, said) {
  busy = true;
  context.redraw();
  try {
    await call();
    refusal = null;
    context.say(said);
    return true;
  } catch (error) {
    refusal = { task: task.id, error };
    return false;
  } finally {
    busy = false;
    await context.refresh();
  }
}
