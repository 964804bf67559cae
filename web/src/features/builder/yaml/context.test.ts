import { describe, expect, it } from "vitest";
import { contextAt } from "./context";

const TEXT = `workflow:
  id: a
  trigger:
    type: dicom
    |T
  steps:
    - id: one
      type: worker
      |A
      input:
        |B
    - id: two
      |C
    - |D
    - id: check
      type: if
      then:
        - id: inner
          type: fhir
          action: |E
          |F
  |G
`;

function at(mark: string) {
  const offset = TEXT.indexOf(mark);
  return contextAt(TEXT.replace(mark, "").replaceAll(/\|[A-Z]/g, ""), TEXT.slice(0, offset).replaceAll(/\|[A-Z]/g, "").length);
}

describe("where a line stands", () => {
  it("knows the keys above it, and its siblings on both sides", () => {
    expect(at("|T").keys).toEqual(["workflow", "trigger"]);
    expect(at("|T").siblings.get("type")).toBe("dicom");
    expect(at("|A").keys).toEqual(["workflow", "steps", "-"]);
    expect(at("|A").siblings.get("type")).toBe("worker");
    expect([...at("|A").siblings.keys()].sort()).toEqual(["id", "input", "type"]);
    expect(at("|B").keys).toEqual(["workflow", "steps", "-", "input"]);
    expect(at("|C").keys).toEqual(["workflow", "steps", "-"]);
    expect(at("|C").siblings.get("id")).toBe("two");
    expect(at("|D").keys).toEqual(["workflow", "steps", "-"]);
    expect(at("|D").siblings.size).toBe(0);
    expect(at("|F").keys).toEqual(["workflow", "steps", "-", "then", "-"]);
    expect(at("|F").siblings.get("type")).toBe("fhir");
    expect(at("|G").keys).toEqual(["workflow"]);
  });

  it("tells a value from a key, and how far it is written", () => {
    expect(at("|E").value).toBe("action");
    expect(contextAt("steps:\n  - id: a\n    ty", 23).typed).toBe("ty");
    expect(contextAt("steps:\n- id: a\n  type: wo", 25)).toMatchObject({ keys: ["steps", "-"], value: "type", typed: "wo" });
    expect(contextAt("", 0).keys).toEqual([]);
  });
});
