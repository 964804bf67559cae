import type { LucideIcon } from "lucide-react";

/** An icon beside its word; readers hear the word only. */
export const Icon = ({ of: Sign, size = 16 }: { of: LucideIcon; size?: number }) => (
  <Sign size={size} strokeWidth={1.75} aria-hidden="true" focusable="false" />
);
