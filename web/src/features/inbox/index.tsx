import { Button, NativeSelect } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import { useCallback, useMemo, useRef } from "react";
import { useNavigate, useParams } from "react-router";
import { api } from "../../api/client";
import { useLiveRefresh } from "../../api/live";
import { useCan } from "../../api/me";
import { refresh, useApi } from "../../api/queries";
import { useShortcut } from "../../app/shortcuts";
import { words } from "../../evidence/words";
import { Empty } from "../../ui/Empty";
import { ErrorPanel, messageOf } from "../../ui/ErrorPanel";
import { Loading } from "../../ui/Loading";
import { Page } from "../../ui/Page";
import { useToast } from "../../ui/Toasts";
import { useAddress } from "../../ui/useAddress";
import styles from "./inbox.module.css";
import { TaskList } from "./TaskList";
import { TaskView } from "./TaskView";
import type { TaskLine } from "./tasks";

const PAGE = 100;
const FILTERS = ["who", "queue", "show", "priority", "sla", "sort", "workflow"] as const;

/** What people are asked: the most urgent first, one of them open beside the list. */
export default function InboxPage() {
  const { id } = useParams();
  const navigate = useNavigate();
  const { query, set, setQuery } = useAddress();
  const can = useCan();
  const say = useToast();
  const asked = useMemo(() => askedOf(query), [query]);
  const list = useInfiniteQuery({
    queryKey: ["api/tasks", asked],
    queryFn: ({ pageParam, signal }) => api.get<TaskLine[]>("api/tasks", { ...asked, limit: PAGE, after: pageParam }, { signal }),
    initialPageParam: "",
    getNextPageParam: (last: TaskLine[]) => (last.length === PAGE ? last.at(-1)?.cursor : undefined),
    placeholderData: (before) => before,
  });
  useLiveRefresh(["task"], ["api/tasks"]);
  const { data: queues = [] } = useApi<{ queue: string; open: number }[]>("api/tasks/counts");
  const tasks = useMemo(() => list.data?.pages.flat() ?? [], [list.data]);
  const search = query.toString();
  const open = useCallback(
    (task: string | undefined) => void navigate(`/inbox${task ? `/${task}` : ""}${search ? `?${search}` : ""}`),
    [navigate, search],
  );
  const at = tasks.findIndex((task) => task.id === id);
  const step = (by: number) => {
    const next = tasks[at < 0 ? 0 : Math.max(0, Math.min(tasks.length - 1, at + by))];
    if (next) open(next.id);
  };
  useShortcut("j", "Next task", () => step(1), tasks.length > 0);
  useShortcut("k", "The task before", () => step(-1), tasks.length > 0);
  // Where a decided task stood; the next one is what stands there then.
  const place = useRef(0);
  if (at >= 0) place.current = at;
  const next = useCallback(() => {
    const rest = tasks.filter((task) => task.id !== id);
    open(rest[Math.min(place.current, rest.length - 1)]?.id);
  }, [tasks, id, open]);
  const filtered = FILTERS.some((name) => query.has(name));
  const take = async () => {
    try {
      const taken = await api.post<TaskLine | null>("api/tasks/next", query.get("queue") ? { queue: query.get("queue") } : {});
      refresh("api/tasks");
      if (taken) open(taken.id);
      else say("Nothing waits that nobody has");
    } catch (error) {
      say(messageOf(error), { kind: "failed" });
    }
  };
  return (
    <Page
      title="Inbox"
      full
      actions={
        can("task:claim") && (
          <Button size="xs" onClick={() => void take()}>
            Claim the next
          </Button>
        )
      }
      filters={
        <div className={styles.filters} data-open={id !== undefined || undefined}>
          <Choice word="Whose" name="who" query={query} onSet={set} options={[["", "Everybody's"], ["mine", "Mine"], ["unassigned", "Nobody's"]]} />
          <Choice word="Queue" name="queue" query={query} onSet={set} options={[["", "Every queue"], ...queues.map(({ queue, open: count }) => [queue, `${words(queue)} (${count})`] as const)]} />
          <Choice word="Priority" name="priority" query={query} onSet={set} options={[["", "Every priority"], ["stat", "Immediately"], ["asap", "As soon as possible"], ["urgent", "Urgent"], ["routine", "Routine"]]} />
          <Choice word="Due" name="sla" query={query} onSet={set} options={[["", "Any due time"], ["warning", "Due soon"], ["breached", "Late"]]} />
          <Choice word="State" name="show" query={query} onSet={set} options={[["", "Open"], ["all", "Open and ended"], ["completed", "Completed"], ["rejected", "Rejected"]]} />
          <Choice word="Order" name="sort" query={query} onSet={set} options={[["", "Most urgent first"], ["age", "Oldest first"]]} />
        </div>
      }
    >
      {list.error && !tasks.length ? (
        <ErrorPanel error={list.error} what="The tasks could not be read" retry={() => void list.refetch()} />
      ) : list.isLoading ? (
        <Loading what="the tasks" />
      ) : tasks.length === 0 && !id ? (
        <Empty
          icon={Inbox}
          title={filtered ? "No task is like that" : "Nothing waits for you"}
          says="When a workflow needs a person, its question appears here, the most urgent first."
          {...(filtered ? { action: { word: "Show every open task", act: () => setQuery({}) } } : {})}
        />
      ) : (
        <div className={styles.panes} data-open={id !== undefined || undefined}>
          <TaskList
            tasks={tasks}
            chosen={id}
            onOpen={open}
            more={{ hasMore: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
          />
          {id ? <TaskView key={id} id={id} onNext={next} onClose={() => open(undefined)} /> : <p className={styles.none}>Choose a task, or press j.</p>}
        </div>
      )}
    </Page>
  );
}

function askedOf(query: URLSearchParams) {
  const show = query.get("show");
  const who = query.get("who");
  return {
    status: show === "all" ? "" : (show ?? "open"),
    mine: who === "mine",
    unassigned: who === "unassigned",
    queue: query.get("queue") ?? "",
    priority: query.get("priority") ?? "",
    sla: query.get("sla") ?? "",
    sort: query.get("sort") ?? "",
    workflow: query.get("workflow") ?? "",
  };
}

interface ChoiceProps {
  word: string;
  name: string;
  query: URLSearchParams;
  options: readonly (readonly [value: string, label: string])[];
  onSet: (name: string, value: string) => void;
}

const Choice = ({ word, name, query, options, onSet }: ChoiceProps) => (
  <NativeSelect
    size="xs"
    aria-label={word}
    value={query.get(name) ?? ""}
    data={options.map(([value, label]) => ({ value, label }))}
    onChange={(event) => onSet(name, event.currentTarget.value)}
  />
);
