import { MessagesSquare } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/sessions", "/sessions/:id"],
  rail: { word: "Sessions", icon: MessagesSquare, to: "/sessions", order: 60, needs: "run:read" },
};
