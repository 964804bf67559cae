import { MessageSquareText } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/messages"],
  rail: { word: "Messages", icon: MessageSquareText, to: "/messages", order: 95, needs: "run:read" },
};
