import { Icon } from "./Icon";
import { stateOf } from "./states";
import styles from "./Status.module.css";

/** A state of the API as icon and word; never colour alone. `plain` without the background. */
export function Status({ of, plain = false }: { of: string; plain?: boolean }) {
  const { kind, word, icon } = stateOf(of);
  return (
    <span className={styles.status} data-kind={kind} data-plain={plain || undefined}>
      <Icon of={icon} size={14} />
      {word}
    </span>
  );
}
