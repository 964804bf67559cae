/**
 * How a page is added: make a folder `src/features/<name>/` with two files. Nothing else changes.
 *
 *   route.ts    import { Workflow } from "lucide-react";
 *               import type { PageRoute } from "../../app/routes";
 *               export const route: PageRoute = {
 *                 paths: ["/workflows", "/workflows/:id"],          // react-router patterns
 *                 rail: { word: "Workflows", icon: Workflow, to: "/workflows", order: 10 },
 *                 commands: [{ word: "New workflow", to: "/workflows/new" }],
 *               };
 *   index.tsx   export default function WorkflowsPage() { … }         // loaded when it is opened
 *
 * `route.ts` is part of the first load: it imports its icon and this type, nothing more. Without
 * `rail` the page has an address but no place in the rail. `order` places it: workflows 10,
 * runs 20, inbox 30, data 40, studies 50, sessions 60, evaluations 70, connections 80.
 */
import type { LucideIcon } from "lucide-react";
import { lazy, type ComponentType } from "react";
import { loadPage } from "./loading";

export interface RailPlace {
  word: string;
  icon: LucideIcon;
  to: string;
  order: number;
  /** Only shown to who holds this permission. */
  needs?: string;
  /** A number beside the word; a hook, so that it may ask the server. */
  useCount?: () => number | undefined;
}

export interface PageRoute {
  paths: readonly string[];
  rail?: RailPlace;
  /** What Ctrl K offers beside the rail. */
  commands?: readonly { word: string; to: string; needs?: string }[];
  /** The page uses the whole window without the frame's padding (builder, viewer). */
  bare?: boolean;
}

export interface AppPage extends PageRoute {
  name: string;
  Page: ComponentType;
}

const metadata = import.meta.glob<PageRoute>("../features/*/route.ts", { eager: true, import: "route" });
const loaders = import.meta.glob<{ default: ComponentType }>("../features/*/index.tsx");

const nameOf = (path: string) => path.split("/").at(-2) ?? path;

export const pages: readonly AppPage[] = Object.entries(metadata).flatMap(([path, route]) => {
  const load = loaders[path.replace("route.ts", "index.tsx")];
  return load ? [{ ...route, name: nameOf(path), Page: lazy(() => loadPage(load)) }] : [];
});

export const railPages = pages
  .filter((page): page is AppPage & { rail: RailPlace } => page.rail !== undefined)
  .sort((one, other) => one.rail.order - other.rail.order);
