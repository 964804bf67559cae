import { ChevronRight, Copy as CopyIcon, Trash2 } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { locate } from "../../../graph";
import { Icon } from "../../../ui/Icon";
import { useToast } from "../../../ui/Toasts";
import { copied, remove } from "../edits";
import type { Finding } from "../server";
import { useBuilder, useBuilderStore } from "../state";
import styles from "./Inspector.module.css";

/** The server's remarks at a node, by field; those about the whole stand under "". */
export function useFieldFindings(key: string | null): Map<string, Finding> {
  const findings = useBuilder((state) => state.findings);
  const workflow = useBuilder((state) => state.picture.workflow);
  return useMemo(() => {
    const found = new Map<string, Finding>();
    for (const finding of findings) {
      if (finding.severity === "info") continue;
      const place = locate(workflow, finding.path);
      if (place.node !== key) continue;
      const first = place.field.split("/")[0] ?? "";
      if (!found.has(first)) found.set(first, finding);
    }
    return found;
  }, [findings, workflow, key]);
}

interface HeadProps {
  icon?: ReactNode;
  title: string;
  says?: string | undefined;
  actions?: ReactNode;
}

export function Head({ icon, title, says, actions }: HeadProps) {
  return (
    <header className={styles.head}>
      {icon}
      <div className={styles.heading}>
        <h2>{title}</h2>
        {says && <p>{says.replaceAll("`", "")}</p>}
      </div>
      {actions}
    </header>
  );
}

export function Remove({ what }: { what: string }) {
  const store = useBuilderStore();
  return (
    <button type="button" className={styles.iconButton} aria-label={`Remove ${what}`} title="Remove (Del)" onClick={() => remove(store)}>
      <Icon of={Trash2} size={15} />
    </button>
  );
}

export function CopyStep() {
  const store = useBuilderStore();
  const say = useToast();
  const copy = () => {
    const text = copied(store);
    if (text === null || !("clipboard" in navigator)) return say("Select the step on the canvas and press Ctrl C");
    navigator.clipboard.writeText(text).then(
      () => say("Copied as YAML"),
      () => say("Select the step on the canvas and press Ctrl C"),
    );
  };
  return (
    <button type="button" className={styles.iconButton} aria-label="Copy as YAML" title="Copy as YAML (Ctrl C)" onClick={copy}>
      <Icon of={CopyIcon} size={15} />
    </button>
  );
}

export function More({ children, words = "More options", open = false }: { children: ReactNode; words?: string; open?: boolean }) {
  return (
    <details className={styles.more} open={open}>
      <summary>
        <Icon of={ChevronRight} size={14} /> {words}
      </summary>
      <div className={styles.fields}>{children}</div>
    </details>
  );
}
