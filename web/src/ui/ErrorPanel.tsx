import { Button } from "@mantine/core";
import { CircleAlert } from "lucide-react";
import { ApiError, Unreachable } from "../api/client";
import { Icon } from "./Icon";
import styles from "./ErrorPanel.module.css";

interface Props {
  error: unknown;
  /** What happened, before the server's own words: "The run could not be read". */
  what?: string;
  /** What is safe: "The draft is kept." */
  safe?: string;
  retry?: () => void;
}

/** What happened, what is safe, what to do. */
export function ErrorPanel({ error, what, safe, retry }: Props) {
  return (
    <section className={styles.panel} role="alert">
      <Icon of={CircleAlert} size={20} />
      <div>
        {what && <h2>{what}</h2>}
        <p>{messageOf(error)}</p>
        {safe && <p>{safe}</p>}
        {fixOf(error) && <p>{fixOf(error)}</p>}
        {retry && (
          <Button className={styles.retry} size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </div>
    </section>
  );
}

/** An error in a sentence; of an unforeseen one, its kind. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 403) return `${error.message}. Ask an administrator for this permission.`;
    return error.path ? `${error.message} (${error.path})` : error.message;
  }
  if (error instanceof Error) return error.message;
  return "Something unforeseen happened";
}

/** What to do about it. */
export function fixOf(error: unknown): string | undefined {
  if (error instanceof Unreachable) return "Check the connection; the page goes on by itself.";
  if (!(error instanceof ApiError) || !error.fix) return undefined;
  const fix = error.fix;
  return `${fix.charAt(0).toUpperCase()}${fix.slice(1)}${/[.!?]$/.test(fix) ? "" : "."}`;
}
