import { Menu } from "@mantine/core";
import { Activity, Ellipsis, Pause, Pencil, Play } from "lucide-react";
import { Link } from "react-router";
import { api } from "../../api/client";
import { useCan } from "../../api/me";
import { refresh } from "../../api/queries";
import { messageOf } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { useToast } from "../../ui/Toasts";
import type { Line } from "./server";
import styles from "./workflows.module.css";

/** What can be done with a workflow from its line. */
export function RowMenu({ line, onStart }: { line: Line; onStart: () => void }) {
  const can = useCan();
  const say = useToast();
  const { id, name, href, active, isDraft } = line;
  const activate = async (now: boolean) => {
    try {
      await api.post(`api/workflows/${encodeURIComponent(id)}/${now ? "resume" : "pause"}`);
      refresh("api/workflows", "api/analytics/runs");
      say(now ? `Events start runs of ${name} again` : `No event starts a run of ${name} until it is resumed`, {
        kind: "done",
        ...(now ? {} : { action: { word: "Resume", act: () => void activate(true) } }),
      });
    } catch (error) {
      say(messageOf(error), { kind: "failed" });
    }
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <button type="button" className={styles.menu} aria-label={`What to do with ${name}`}>
          <Icon of={Ellipsis} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon of={Pencil} />} component={Link} to={href}>
          Open
        </Menu.Item>
        {!isDraft && can("workflow:run") && (
          <Menu.Item leftSection={<Icon of={Play} />} onClick={onStart}>
            Start a run
          </Menu.Item>
        )}
        {!isDraft && (
          <Menu.Item leftSection={<Icon of={Activity} />} component={Link} to={`/runs?workflow=${encodeURIComponent(id)}`}>
            Its runs
          </Menu.Item>
        )}
        {!isDraft && can("workflow:deploy") && (
          <Menu.Item leftSection={<Icon of={active ? Pause : Play} />} onClick={() => void activate(!active)}>
            {active ? "Pause" : "Resume"}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
