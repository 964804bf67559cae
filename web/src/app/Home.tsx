import { Navigate } from "react-router";
import { useCan } from "../api/me";
import { useApi } from "../api/queries";
import { Loading } from "../ui/Loading";
import { railPages } from "./routes";

const FIRST = "/workflows/new?template=radiology-triage&first=1";

/** Where one begins: on a server without workflows, at one that can be tried at once with synthetic
 * data; else at the first page that one may see. */
export function Home() {
  const can = useCan();
  const reads = can("workflow:read");
  const workflows = useApi<unknown[]>("api/workflows", {}, { enabled: reads });
  const drafts = useApi<unknown[]>("api/drafts", {}, { enabled: reads });
  if (reads && (workflows.isPending || drafts.isPending)) return <Loading />;
  if (workflows.data?.length === 0 && drafts.data?.length === 0 && can("workflow:deploy")) return <Navigate to={FIRST} replace />;
  const first = railPages.find(({ rail }) => rail.needs === undefined || can(rail.needs));
  return <Navigate to={first?.rail.to ?? "/nowhere"} replace />;
}
