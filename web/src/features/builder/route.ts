import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/workflows/:id"],
  bare: true,
  commands: [{ word: "New workflow", to: "/workflows/new", needs: "workflow:deploy" }],
};
