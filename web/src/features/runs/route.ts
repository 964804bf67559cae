import { Activity } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/runs"],
  rail: { word: "Runs", icon: Activity, to: "/runs", order: 20 },
  commands: [
    { word: "Failed runs", to: "/runs?status=failed" },
    { word: "Runs that wait", to: "/runs?status=waiting" },
  ],
};
