import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CirclePause,
  Clock,
  Inbox,
  LoaderCircle,
  PencilLine,
  RotateCcw,
  SkipForward,
  Undo2,
  UserRound,
  type LucideIcon,
} from "lucide-react";

export type StatusKind = "done" | "running" | "waiting" | "failed" | "quiet";

export interface State {
  kind: StatusKind;
  word: string;
  icon: LucideIcon;
}

const said = (kind: StatusKind, word: string, icon: LucideIcon): State => ({ kind, word, icon });

const STATES: Record<string, State> = {
  succeeded: said("done", "Done", CircleCheck),
  completed: said("done", "Done", CircleCheck),
  done: said("done", "Done", CircleCheck),
  sent: said("done", "Sent", CircleCheck),
  final: said("done", "Done", CircleCheck),
  resolved: said("done", "Resolved", CircleCheck),
  closed: said("done", "Closed", CircleCheck),
  ok: said("done", "Works", CircleCheck),
  running: said("running", "Running", LoaderCircle),
  active: said("running", "Under way", LoaderCircle),
  opened: said("running", "Under way", LoaderCircle),
  accepted: said("running", "Held", UserRound),
  "in-progress": said("running", "Held", UserRound),
  waiting: said("waiting", "Waiting", Clock),
  waiting_for_a_person: said("waiting", "Waiting for a person", UserRound),
  queued: said("waiting", "In a queue", Clock),
  retrying: said("waiting", "Trying again", RotateCcw),
  requested: said("waiting", "Open", Inbox),
  ready: said("waiting", "Open", Inbox),
  captured: said("waiting", "Captured", Inbox),
  pending: said("waiting", "To be sent", Clock),
  degraded: said("waiting", "By fallback", SkipForward),
  open: said("failed", "Open", CircleAlert),
  failed: said("failed", "Failed", CircleAlert),
  cancelling: said("quiet", "Stopping", Ban),
  cancelled: said("quiet", "Cancelled", Ban),
  edited: said("waiting", "Edited", PencilLine),
  rejected: said("quiet", "Rejected", Ban),
  draft: said("quiet", "Draft", PencilLine),
  untested: said("quiet", "Not called yet", CircleDashed),
  skipped: said("quiet", "Skipped", SkipForward),
  paused: said("quiet", "Paused", CirclePause),
  held: said("quiet", "Paused", CirclePause),
  rolling_back: said("quiet", "Rolling back", Undo2),
  rolled_back: said("quiet", "Rolled back", Undo2),
};

/** A state as people call it; one that is new to the screens keeps the server's word. */
export const stateOf = (name: string): State =>
  STATES[name] ?? said("quiet", name.replaceAll("_", " "), CircleDashed);
