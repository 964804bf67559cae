import { api } from "../../api/client";
import { useApi } from "../../api/queries";

export interface Connection {
  id: string;
  kind: string;
  settings: Record<string, unknown>;
  health?: Health | null;
}


/** What the calls of the server's process said: the circuit, and how they ended. */
export interface Health {
  circuit: "closed" | "open" | "half-open";
  calls: number;
  failures: number;
  lastError: string | null;
}

export interface Trial {
  ok: boolean;
  milliseconds: number;
  message?: string;
  code?: string;
}

export const PATH = "api/connections";

export const useConnections = () => useApi<Connection[]>(PATH);

const place = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export const keep = (id: string, body: unknown) => api.put<Connection>(place(id), body);

export const test = (id: string) => api.post<Trial>(`${place(id)}/test`);
