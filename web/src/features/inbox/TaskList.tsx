import { useVirtualizer } from "@tanstack/react-virtual";
import { Clock, TriangleAlert, UserRound } from "lucide-react";
import { useEffect, useRef } from "react";
import { priorityOf, words } from "../../evidence/words";
import { Icon } from "../../ui/Icon";
import { Status } from "../../ui/Status";
import { Ago } from "../../ui/Time";
import styles from "./inbox.module.css";
import { PatientName } from "./PatientStrip";
import { isOpen, leftOf, type TaskLine } from "./tasks";

interface Props {
  tasks: readonly TaskLine[];
  chosen: string | undefined;
  onOpen: (id: string) => void;
  more: { hasMore: boolean; busy: boolean; load: () => void };
}

const HEIGHT = 76;

/** The tasks, most urgent first, with the time that is left in words. */
export function TaskList({ tasks, chosen, onOpen, more }: Props) {
  const place = useRef<HTMLUListElement>(null);
  const virtual = useVirtualizer({
    count: tasks.length,
    getScrollElement: () => place.current,
    estimateSize: () => HEIGHT,
    overscan: 8,
    getItemKey: (index) => tasks[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more.hasMore && !more.busy && last >= tasks.length - 8) more.load();
  }, [last, tasks.length, more]);
  const at = tasks.findIndex((task) => task.id === chosen);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
    // Only when another task is chosen: news must not scroll the list.
  }, [chosen]);
  return (
    <ul ref={place} className={styles.list} aria-label="Tasks" tabIndex={0}>
      <li aria-hidden="true" style={{ height: virtual.getTotalSize() }} className={styles.space} />
      {items.map((item) => {
        const task = tasks[item.index];
        if (!task) return null;
        return (
          <li key={item.key} className={styles.line} style={{ height: item.size, transform: `translateY(${item.start}px)` }}>
            <button type="button" aria-current={task.id === chosen || undefined} onClick={() => onOpen(task.id)}>
              <span className={styles.title}>{task.title}</span>
              <span className={styles.facts}>
                <Left task={task} />
                {task.priority !== "routine" && <span className={styles.priority}>{priorityOf(task.priority)}</span>}
                <PatientName task={task} />
                <span>{words(task.queue)}</span>
                {task.due && <Ago at={task.createdAt} />}
                {task.assignee && (
                  <span className={styles.who}>
                    <Icon of={UserRound} size={12} /> {task.assignee}
                  </span>
                )}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** How much time is left, as icon and word; without a due time, how long it has waited. */
export function Left({ task }: { task: TaskLine }) {
  if (!isOpen(task)) return <Status of={task.status} plain />;
  const left = leftOf(task.due, Date.now());
  if (!left) return <Ago at={task.createdAt} />;
  const kind = left.late ? "failed" : task.sla?.state === "warning" ? "waiting" : "quiet";
  return (
    <span className={styles.left} data-kind={kind}>
      <Icon of={left.late ? TriangleAlert : Clock} size={12} /> {left.words}
    </span>
  );
}
