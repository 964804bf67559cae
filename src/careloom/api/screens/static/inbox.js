// The inbox: what waits for a person, the most urgent first, each entry told from the others.

import { get, getIfThere } from "./client.js";
import { priority } from "./codes.js";
import { h } from "./dom.js";
import { duration, full, until, words } from "./format.js";
import { go, href } from "./router.js";
import { isOpenTask, taskDetail } from "./task.js";
import { telling } from "./values.js";
import { chip, empty, row, split } from "./widgets.js";

export const title = "Inbox";
export { isOpenTask };

export async function load({ parts: [id], query }) {
  const tasks = await get("api/tasks", { limit: 200 });
  const rows = query.show === "all" ? tasks : tasks.filter(isOpenTask);
  return { rows, open: id ? await opened(id, tasks) : null };
}

async function opened(id, tasks) {
  const listed = tasks.find((task) => task.id === id);
  if (listed) return listed;
  return getIfThere("api/tasks", id);
}

export function render({ rows, open }, route, context) {
  return split({
    title,
    open: Boolean(open),
    filters: filter(route),
    list: rows.length
      ? h("div", { class: "list-body" }, h("ul", { class: "rows" }, rows.map((task) => taskRow(task, route))))
      : h("div", { class: "list-empty" }, empty("inbox", "Nothing waits for you", "A task appears here when a workflow needs a person's decision.", { href: href("runs"), text: "Show the runs" })),
    detail: open ? taskDetail(open, rows, route, context) : rows.length ? empty("inbox", "Open a task", "The most urgent stands first. With the keyboard: j, k and Enter.") : null,
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
  const told = telling(task.show ?? {});
  return row(
    task.id,
    href("inbox", [task.id], query),
    task.id === parts[0],
    h("span", { class: "row-top" }, h("strong", {}, task.title), h("time", { title: full(task.createdAt) }, waited(task))),
    told ? h("span", { class: "row-told" }, told) : null,
    h(
      "span",
      { class: "row-low" },
      chip(task.status, task.assignee && !closed ? `Held by ${task.assignee}` : undefined),
      h("span", { class: "soft clip" }, closed ? words(task.queue) : timeLeft(task)),
      task.runId ? h("span", { class: "mono number", title: task.runId }, `…${task.runId.slice(-6)}`) : null,
    ),
  );
}

const waited = ({ createdAt, closedAt }) =>
  closedAt ? `took ${coarse(Date.parse(closedAt) - Date.parse(createdAt))}` : `waits ${coarse(Date.now() - Date.parse(createdAt))}`;

/** Whole minutes, so that a list does not flicker. */
const coarse = (ms) => (ms < 60_000 ? "under a minute" : duration(ms).replace(/ \d+ s$/, ""));

const timeLeft = (task) => (task.due ? `${priority(task.priority)} · due ${until(task.due)}` : priority(task.priority));
