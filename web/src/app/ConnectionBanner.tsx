import { WifiOff } from "lucide-react";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { isLost, onConnection } from "../api/client";
import { queryClient } from "../api/queries";
import { Icon } from "../ui/Icon";
import { useToast } from "../ui/Toasts";
import styles from "./ConnectionBanner.module.css";

export const useLost = (): boolean => useSyncExternalStore(onConnection, isLost);

const EVERY = 2_000;

/** A lost connection is said; what is shown stays, edits stay, and it goes on by itself. */
export function ConnectionBanner() {
  const lost = useLost();
  const was = useRef(false);
  const say = useToast();
  useEffect(() => {
    if (was.current && !lost) {
      say("The server answers again");
      void queryClient.invalidateQueries();
    }
    was.current = lost;
    if (!lost) return;
    const timer = setInterval(() => void queryClient.refetchQueries({ queryKey: ["me"] }), EVERY);
    return () => clearInterval(timer);
  }, [lost, say]);
  if (!lost) return null;
  return (
    <p className={styles.banner} role="status">
      <Icon of={WifiOff} />
      The server does not answer. What you see and what you typed stays; it goes on by itself.
    </p>
  );
}
