import type { LucideIcon } from "lucide-react";
import { Link } from "react-router";
import { Icon } from "./Icon";
import styles from "./Empty.module.css";

interface Props {
  icon?: LucideIcon;
  /** What is not there: "No runs yet". */
  title: string;
  /** What will appear here, and when. */
  says: string;
  /** One thing to do. */
  action?: { word: string; to?: string; act?: () => void };
}

export function Empty({ icon, title, says, action }: Props) {
  return (
    <div className={styles.empty}>
      {icon && <Icon of={icon} size={24} />}
      <h2>{title}</h2>
      <p>{says}</p>
      {action?.to !== undefined && (
        <Link className={styles.action} to={action.to}>
          {action.word}
        </Link>
      )}
      {action?.act && (
        <button type="button" className={styles.action} onClick={action.act}>
          {action.word}
        </button>
      )}
    </div>
  );
}
