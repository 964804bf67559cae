import { QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, ApiError, type Query } from "./client";

/** Server state lives here only. Keys are [path, query]: invalidating ["api/tasks"] takes in every
 * list of tasks, whatever its filters. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => !(error instanceof ApiError && error.status < 500) && count < 3,
    },
  },
});

export interface ApiQuery {
  enabled?: boolean;
  /** Show what was there while the next page comes. */
  keep?: boolean;
}

/** `useApi<Task[]>("api/tasks", {status: "open"})`: the `data` of the envelope. */
export function useApi<T>(path: string, query: Query = {}, options: ApiQuery = {}): UseQueryResult<T> {
  return useQuery<T>({
    queryKey: [path, query],
    queryFn: ({ signal }) => api.get<T>(path, query, { signal }),
    enabled: options.enabled ?? true,
    ...(options.keep ? { placeholderData: (before: unknown) => before as never } : {}),
  });
}

/** Ask again for everything under these paths that is on screen. */
export function refresh(...paths: string[]): void {
  for (const path of paths) {
    void queryClient.invalidateQueries({
      predicate: ({ queryKey }) => {
        const [first] = queryKey;
        return typeof first === "string" && (first === path || first.startsWith(`${path}/`));
      },
    });
  }
}
