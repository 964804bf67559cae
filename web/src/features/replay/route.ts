import type { PageRoute } from "../../app/routes";

export const route: PageRoute = { paths: ["/replays/:id"] };
