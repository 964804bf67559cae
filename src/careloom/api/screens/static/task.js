// One task: what to look at, and the decision. What is typed is kept by task, whatever is refreshed.

import { post } from "./client.js";
import { priority } from "./codes.js";
import { h } from "./dom.js";
import { clock, full, until, words } from "./format.js";
import { icon } from "./icons.js";
import { meant, settled } from "./press.js";
import { href } from "./router.js";
import { fileViewer } from "./stored_file.js";
import { shownValues } from "./values.js";
import { backLink, chip, empty, facts, heading, problem } from "./widgets.js";

const OPEN = new Set(["requested", "accepted"]);
const VERBS = { approve: "Approved", reject: "Rejected" };
const comments = new Map();
/** What was decided in this tab, by task: {word, comment}. */
const decided = new Map();
let refusal = null;
let busy = false;
/** Who this key is, once a claim has said it. */
let me = null;

export const isOpenTask = (task) => OPEN.has(task.status);

export function taskDetail(task, rows, route, context) {
  const back = backLink(href("inbox", [], route.query), "All tasks");
  if (task.missing) return [back, empty("inbox", "There is no such task", "It belongs to another store, or the address is not whole.", { href: href("inbox"), text: "Show the inbox" })];
  const open = isOpenTask(task) && !decided.has(task.id);
  const viewer = fileViewer(task.id, task.show);
  return h(
    "article",
    { class: "task", key: task.id },
    back,
    h("header", { class: "run-head" }, h("div", { class: "run-title" }, heading(task.id, task.title), chip(task.status, task.assignee && open ? `Held by ${task.assignee}` : undefined))),
    task.description ? h("p", {}, task.description) : null,
    task.ai && open ? h("p", { class: "notice waiting" }, icon("incidents", 18), "A model had a part in this. Check it before you decide.") : null,
    open ? null : closedNotice(task, rows, route, context),
    h("div", { class: viewer ? "task-body beside" : "task-body" }, viewer, h("div", { class: "task-left" }, shownValues(task.show ?? {}, task.id), refusal?.task === task.id ? problem(refusal.error, "Your comment is kept.") : null, open ? decision(task, context) : null, about(task))),
  );
}

function about(task) {
  return facts([
    ["Priority", priority(task.priority)],
    ["Queue", words(task.queue)],
    ["Due", task.due ? `${clock(task.due)} (${until(task.due)})` : null],
    ["Asked", full(task.createdAt)],
    ["Ended", full(task.closedAt)],
    ["By", task.closedAt && task.status !== "cancelled" ? task.assignee : null],
    ["Run", task.runId ? h("a", { href: href("runs", [task.runId]) }, "Open the run") : null],
  ]);
}

/** What became of a task: decided in this tab, by somebody else, or ended with its run. */
function closedNotice(task, rows, route, context) {
  const mine = decided.get(task.id);
  const next = rows.find((one) => one.id !== task.id && isOpenTask(one) && !decided.has(one.id));
  const said = mine ? `${mine.word}. The run goes on.` : `This task is no longer open: ${fate(task)}.`;
  const sign = task.status === "cancelled" ? "cancelled" : (mine?.word ?? task.status).toLowerCase() === "rejected" ? "failed" : "done";
  return h(
    "div",
    { class: (mine ? mine.word === "Approved" : task.status === "completed") ? "notice decided" : "notice decided quiet" },
    icon(sign, 18),
    h("div", {}, h("p", {}, h("strong", {}, said)), mine?.comment ? h("p", {}, `Your comment: ${mine.comment}`) : null),
    mine ? goOn(task, next, route, context) : null,
  );
}

function fate({ status, assignee }) {
  if (status === "cancelled") return "its run ended, or nobody decided in time";
  const word = status === "rejected" ? "rejected" : "approved";
  return assignee ? `${word} by ${assignee}` : word;
}

/** The way on takes the focus, so that Enter goes on; a second click does not. */
function goOn(task, next, route, context) {
  settled(`${task.id}:decided`, context.redraw);
  const guard = (event) => {
    if (!meant(event)) event.preventDefault();
  };
  return h(
    "a",
    { class: "button main", key: "on", href: href("inbox", next ? [next.id] : [], route.query), onclick: guard, created: (node) => node.focus() },
    next ? "Next task" : "Back to the inbox",
  );
}

function decision(task, context) {
  const ready = settled(`${task.id}:open`, context.redraw);
  const state = { disabled: busy, "aria-disabled": ready ? null : "true" };
  const press = (call) => (event) => {
    if (meant(event) && !busy) call();
  };
  return h(
    "form",
    { class: "decision", onsubmit: (event) => event.preventDefault() },
    h("label", { for: `comment-${task.id}` }, "Comment (kept with the decision)"),
    h("textarea", { id: `comment-${task.id}`, rows: "3", value: comments.get(task.id) ?? "", oninput: (event) => comments.set(task.id, event.target.value) }),
    task.assignee ? h("p", { class: "soft" }, task.assignee === me ? "You hold this task." : `Held by ${task.assignee}. Only the holder can decide.`) : null,
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button main", ...state, onclick: press(() => settle(task, "approve", context)) }, icon("done", 16), "Approve"),
      h("button", { type: "button", class: "button danger", ...state, onclick: press(() => settle(task, "reject", context)) }, icon("failed", 16), "Reject"),
      task.status === "requested" ? h("button", { type: "button", class: "button quiet", ...state, onclick: press(() => claim(task, context)) }, icon("person", 16), "Claim") : null,
    ),
  );
}

function claim(task, context) {
  const call = async () => {
    me = (await post(`api/tasks/${task.id}/claim`)).assignee;
  };
  return act(task, context, call, "You have the task");
}

/** Decide, and stay: what was decided is shown, and the person goes on by a press of its own. */
function settle(task, verb, context) {
  const comment = comments.get(task.id)?.trim() || null;
  const call = async () => {
    await post(`api/tasks/${task.id}/decision`, { decision: verb, comment });
    decided.set(task.id, { word: VERBS[verb], comment });
    comments.delete(task.id);
  };
  return act(task, context, call, `${VERBS[verb]}. The run goes on`);
}

async function act(task, context, call, said) {
  busy = true;
  context.redraw();
  try {
    await call();
    refusal = null;
    context.say(said);
  } catch (error) {
    refusal = { task: task.id, error };
  } finally {
    busy = false;
    await context.refresh();
  }
}
