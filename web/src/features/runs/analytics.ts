/** The figures of `GET /api/analytics/runs`. */
export interface Analytics {
  now: { running: number; waiting: number };
  period: { failed: number; p50Ms: number | null; p95Ms: number | null };
  buckets: { at: string; succeeded: number; failed: number; other: number }[];
}
