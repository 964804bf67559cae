import { useQuery } from "@tanstack/react-query";
import { api, ApiError, onOldProof } from "./client";
import { queryClient } from "./queries";
import { arrive, idOf, keepCsrf, leave } from "./session";

export interface Me {
  principal: string;
  name: string;
  kind: string;
  tenant: string;
  store: string;
  environment: string;
  roles: string[];
  /** What the person may do anywhere in the store. */
  permissions: string[];
  /** The same with its limits: "fhir:read/Observation". */
  grants: string[];
  csrf?: string;
}

/** Exchange an API key for a browser session. Raises ApiError when the key is not known. */
export async function signIn(key: string): Promise<Me> {
  const { me, csrf } = await api.post<{ me: Me; csrf: string }>("api/browser-session", { key });
  keepCsrf(csrf);
  arrive(me);
  queryClient.setQueryData(["me"], me);
  return me;
}

/** End the session on the server; one that has ended already is as good. */
export async function signOut(): Promise<void> {
  try {
    await api.delete("api/browser-session");
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  keepCsrf("");
  leave();
  queryClient.clear();
}

/** Somebody signed in again in another tab: the proof of this one is old. It is read anew; when it
 * is another person now, the page begins again. */
onOldProof(async () => {
  const shown = queryClient.getQueryData<Me>(["me"]);
  const me = await readMe();
  if (shown && idOf(shown) === idOf(me)) return true;
  location.reload();
  return false;
});

async function readMe(): Promise<Me> {
  const me = await api.get<Me>("api/me");
  if (me.csrf) keepCsrf(me.csrf);
  arrive(me);
  return me;
}

/** Who is signed in; `data` is undefined while nobody is known, `error` has status 401 then. */
export const useMe = (enabled = true) =>
  useQuery({ queryKey: ["me"], queryFn: readMe, staleTime: Infinity, retry: false, enabled });

/** `const can = useCan(); can("run:retry")`: what the signed-in person may do. */
export function useCan(): (permission: string) => boolean {
  const { data } = useMe();
  return (permission) => data?.permissions.includes(permission) ?? false;
}
