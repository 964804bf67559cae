import { Scale } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/evaluations"],
  rail: { word: "Evaluations", icon: Scale, to: "/evaluations", order: 70, needs: "task:read" },
};
