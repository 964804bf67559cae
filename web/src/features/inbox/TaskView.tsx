import { useApi } from "../../api/queries";
import { ApiError } from "../../api/client";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Loading } from "../../ui/Loading";
import { Asked } from "./Asked";
import styles from "./inbox.module.css";
import type { Task } from "./tasks";

interface Props {
  id: string;
  onNext: () => void;
  onClose: () => void;
}

/** One task beside the list. What is typed belongs to the page: news never touches it. */
export function TaskView({ id, onNext, onClose }: Props) {
  const { data: task, error, isLoading, refetch } = useApi<Task>(`api/tasks/${id}`);
  if (error instanceof ApiError && error.status === 404) {
    return <Empty title="There is no such task" says="It was asked of somebody else, or the address is not whole." action={{ word: "Back to the list", act: onClose }} />;
  }
  if (error && !task) return <ErrorPanel error={error} what="The task could not be read" retry={() => void refetch()} />;
  if (isLoading || !task) return <Loading what="the task" />;
  return (
    <section className={styles.task} aria-label={task.title}>
      <Asked task={task} onNext={onNext} onClose={onClose} />
    </section>
  );
}
