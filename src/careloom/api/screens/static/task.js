// One task: what to look at, and the decision. What is typed is kept by task, whatever is refreshed.

import { post } from "./client.js";
import { priority } from "./codes.js";
import { h } from "./dom.js";
import { clock, full, percent, until, words } from "./format.js";
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
    h("div", { class: viewer ? "task-body beside" : "task-body" }, viewer, h("div", { class: "task-left" }, shownValues(task.show ?? {}, task.id), suggested(task), questions(task), refusal?.task === task.id ? problem(refusal.error, "Your comment is kept.") : null, open ? decision(task, context) : null, about(task))),
  );
}

/** What a model proposes; to approve it here is to take it as it is. */
function suggested({ suggestion, id }) {
  if (!suggestion) return null;
  const sure = typeof suggestion.confidence === "number" ? ` (confidence ${percent(suggestion.confidence)})` : "";
  return h("section", { key: "suggestion" }, h("h3", {}, `Suggested${sure}`), shownValues(suggestion.value ?? {}, `${id}:suggestion`));
}

/** The questions of a form; it is filled by its link or by the API, not on this page. */
function questions({ form, id }) {
  if (!form) return null;
  const asked = (items) => items.map((one) => h("li", { key: one.linkId }, one.text ?? one.linkId, one.required ? " (required)" : "", one.item ? h("ul", {}, asked(one.item)) : null));
  return h("section", { key: `form:${id}` }, h("h3", {}, "Questions"), h("ul", {}, asked(form.item ?? [])), h("p", { class: "soft" }, "The form is filled by the link that was sent, or by a program through the API."));
}

function about(task) {
  return facts([
    ["Votes", task.quorum > 1 ? `${task.decidedBy?.length ?? 0} of ${task.quorum}` : null],
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
  const said = mine ? `${mine.word}. ${mine.more ? "Others still have to decide." : "The run goes on."}` : `This task is no longer open: ${fate(task)}.`;
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
      task.form ? null : h("button", { type: "button", class: "button main", ...state, onclick: press(() => settle(task, "approve", context)) }, icon("done", 16), "Approve"),
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
    const more = verb === "approve" && (task.decidedBy?.length ?? 0) + 1 < (task.quorum ?? 1);
    decided.set(task.id, { word: VERBS[verb], comment, more });
    comments.delete(task.id);
  };
  return act(task, context, call, VERBS[verb]);
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
