import { Workflow } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/workflows"],
  rail: { word: "Workflows", icon: Workflow, to: "/workflows", order: 10, needs: "workflow:read" },
};
