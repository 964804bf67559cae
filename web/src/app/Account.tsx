import { Menu } from "@mantine/core";
import { CircleUserRound, Keyboard, LogOut } from "lucide-react";
import { signOut, useMe } from "../api/me";
import { Icon } from "../ui/Icon";
import { useToast } from "../ui/Toasts";
import { messageOf } from "../ui/ErrorPanel";
import styles from "./Frame.module.css";
import own from "./Account.module.css";

export function Account({ onKeys }: { onKeys: () => void }) {
  const { data: me } = useMe();
  const say = useToast();
  const leave = () =>
    signOut().then(
      () => location.reload(),
      (error: unknown) => say(messageOf(error), { kind: "failed" }),
    );
  return (
    <Menu position="right-end" withinPortal>
      <Menu.Target>
        <button type="button" className={styles.place} aria-label="Account">
          <Icon of={CircleUserRound} size={18} />
          <span>Account</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={own.who}>
          <strong>{me?.name}</strong>
          {me?.tenant && <span>{me.tenant}</span>}
          {me?.environment && <span>{me.environment}</span>}
          {me && me.roles.length > 0 && <span>{me.roles.join(", ")}</span>}
        </div>
        <Menu.Item leftSection={<Icon of={Keyboard} />} onClick={onKeys}>
          Keys
        </Menu.Item>
        <Menu.Item leftSection={<Icon of={LogOut} />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
