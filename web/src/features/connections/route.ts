import { Cable } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/connections"],
  rail: { word: "Connections", icon: Cable, to: "/connections", order: 80, needs: "workflow:read" },
  commands: [{ word: "New connection", to: "/connections?edit=new", needs: "admin" }],
};
