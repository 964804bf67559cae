import { useQuery } from "@tanstack/react-query";
import { api, ApiError } from "./client";
import { queryClient } from "./queries";
import { forget, holdsKey, keepCsrf, keepKey } from "./session";

export interface Me {
  principal: string;
  name: string;
  kind: string;
  tenant: string;
  environment: string;
  roles: string[];
  permissions: string[];
  csrf?: string;
}

/** Exchange an API key for a browser session. Raises ApiError when the key is not known. */
export async function signIn(key: string): Promise<Me> {
  forget();
  try {
    const { me, csrf } = await api.post<{ me: Me; csrf: string }>("api/browser-session", { key });
    keepCsrf(csrf);
    queryClient.setQueryData(["me"], me);
    return me;
  } catch (error) {
    if (!(error instanceof ApiError && [404, 405].includes(error.status))) throw error;
    return signInWithKey(key);
  }
}

async function signInWithKey(key: string): Promise<Me> {
  keepKey(key);
  try {
    await api.get("api/workflows/runs", { limit: 1 });
  } catch (error) {
    forget();
    throw error;
  }
  queryClient.setQueryData(["me"], KEY_HOLDER);
  return KEY_HOLDER;
}

/** Who holds a key of a server that does not say more. */
const KEY_HOLDER: Me = {
  principal: "key",
  name: "API key",
  kind: "service",
  tenant: "",
  environment: "",
  roles: [],
  permissions: ["*"],
};

export async function signOut(): Promise<void> {
  if (!holdsKey()) {
    await api.delete("api/browser-session").catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
    });
  }
  forget();
  queryClient.clear();
}

async function readMe(): Promise<Me> {
  if (holdsKey()) return KEY_HOLDER;
  const me = await api.get<Me>("api/me");
  if (me.csrf) keepCsrf(me.csrf);
  return me;
}

/** Who is signed in; `data` is undefined while nobody is known, `error` has status 401 then. */
export const useMe = (enabled = true) =>
  useQuery({ queryKey: ["me"], queryFn: readMe, staleTime: Infinity, retry: false, enabled });

/** `const can = useCan(); can("run:retry")`: what the signed-in person may do. */
export function useCan(): (permission: string) => boolean {
  const { data } = useMe();
  return (permission) => data?.permissions.some((held) => held === permission || held === "*") ?? false;
}
