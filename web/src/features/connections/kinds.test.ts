import { expect, it } from "vitest";
import { body, kindOf } from "./kinds";

const sql = kindOf("sql");

it("sends settings and secrets apart, and keeps what the form does not show", () => {
  if (!sql) throw new Error("there is no kind sql");
  const values = { "settings.host": " db ", "settings.port": "5433", "settings.user": "", "secret.password": "s" };
  expect(body(sql, values, { rate: { perSecond: 1 }, user: "old" }, true)).toEqual({
    kind: "sql",
    settings: { rate: { perSecond: 1 }, phi: true, host: "db", port: 5433 },
    secret: { password: "s" },
  });
});
