import { Inbox } from "lucide-react";
import { useApi } from "../../api/queries";
import type { PageRoute } from "../../app/routes";

interface QueueCount {
  open: number;
}

export const route: PageRoute = {
  paths: ["/inbox", "/inbox/:id"],
  rail: {
    word: "Inbox",
    icon: Inbox,
    to: "/inbox",
    order: 30,
    needs: "task:read",
    useCount: () => {
      const { data } = useApi<QueueCount[]>("api/tasks/counts");
      return data?.reduce((sum, { open }) => sum + open, 0);
    },
  },
  commands: [{ word: "My tasks", to: "/inbox?who=mine" }],
};
