import { Layers } from "lucide-react";
import { useState } from "react";
import { api } from "../../../api/client";
import { useApi } from "../../../api/queries";
import { Empty } from "../../../ui/Empty";
import { ErrorPanel, messageOf } from "../../../ui/ErrorPanel";
import { Loading } from "../../../ui/Loading";
import { Ago } from "../../../ui/Time";
import { useToast } from "../../../ui/Toasts";
import type { Difference } from "../server";
import { useBuilderStore } from "../state";
import { Panel } from "./Panel";
import { Changes } from "./Publish";
import styles from "./panels.module.css";

interface Version {
  version: number;
  deployedAt: string;
  deployedBy: string | null;
  newest: boolean;
  unfinishedRuns: number;
}

/** What was live before, with what each version changed in meaning. */
export function Versions({ workflow }: { workflow: string | null }) {
  const store = useBuilderStore();
  const say = useToast();
  const { data, error } = useApi<Version[]>(`api/workflows/${workflow}/versions`, {}, { enabled: workflow !== null });
  const [opened, setOpened] = useState<number | null>(null);
  const takeBack = async (version: number) => {
    try {
      const { source } = await api.get<{ source: string }>(`api/workflows/${workflow}/versions/${version}`);
      store.getState().write(source, `Version ${version} was taken into the draft`, null);
      say(`Version ${version} is in the draft now`, { action: { word: "Undo", act: () => store.getState().undo() } });
    } catch (wrong) {
      say(messageOf(wrong), { kind: "failed" });
    }
  };
  return (
    <Panel title="Versions" says="Every version that went live.">
      {workflow === null && <Empty icon={Layers} title="Not live yet" says="Publishing makes the first version." />}
      {workflow !== null && error && <ErrorPanel error={error} what="The versions cannot be shown" />}
      {workflow !== null && !data && !error && <Loading what="versions" />}
      <ol className={styles.list}>
        {data?.map((one, at) => {
          const before = data[at + 1]?.version;
          return (
            <li key={one.version} className={styles.revision}>
              <div className={styles.when}>
                <span>
                  <strong>Version {one.version}</strong> <Ago at={one.deployedAt} /> {one.deployedBy && <>by {one.deployedBy}</>}
                  {one.unfinishedRuns > 0 && `, ${one.unfinishedRuns} under way`}
                </span>
                {one.newest && (
                  <span className={styles.marks}>
                    <span data-kind="done">Live</span>
                  </span>
                )}
              </div>
              <div className={styles.revisionRow}>
                {before !== undefined && (
                  <button type="button" className={styles.small} aria-expanded={opened === one.version} onClick={() => setOpened(opened === one.version ? null : one.version)}>
                    What changed
                  </button>
                )}
                <button type="button" className={styles.small} onClick={() => void takeBack(one.version)}>
                  Take into the draft
                </button>
              </div>
              {opened === one.version && before !== undefined && workflow && <Between workflow={workflow} from={before} to={one.version} />}
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}

function Between({ workflow, from, to }: { workflow: string; from: number; to: number }) {
  const { data, error } = useApi<Difference>(`api/workflows/${workflow}/diff`, { from, to });
  if (error) return <ErrorPanel error={error} what="The versions cannot be compared" />;
  return data ? <Changes diff={data} /> : <Loading what="what changed" />;
}
