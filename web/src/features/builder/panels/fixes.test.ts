import { expect, it } from "vitest";
import type { Finding } from "../server";
import { fixesOf } from "./fixes";

const finding = (message: string, fix: string): Finding => ({ code: "E-X", severity: "error", path: "steps/a/b", message, cause: "", fix });

it("offers what the server says to write, and nothing where that is not one value", () => {
  expect(fixesOf(finding("there is no worker 'radiolog' here", "write radiology-assistant"), "radiolog")).toEqual([
    { words: "Write radiology-assistant", value: "radiology-assistant" },
  ]);
  expect(fixesOf(finding("no event 'x'", "write event: NewImageUploaded or StudyStable"), "x").map((fix) => fix.value)).toEqual(["NewImageUploaded", "StudyStable"]);
  expect(fixesOf(finding("The code is wrong", "use one of: final, amended"), "fin").map((fix) => fix.value)).toEqual(["final", "amended"]);
  expect(fixesOf(finding("'foo' is not a key", "remove it (there is params, tool)"), 1)).toEqual([{ words: "Remove it", value: undefined }]);
  expect(fixesOf(finding("there is none", "write exactly one of them"), undefined)).toEqual([]);
  expect(fixesOf(finding("params is missing", "add params:"), undefined)).toEqual([]);
});

it("replaces only the wrong name inside an expression", () => {
  const wrong = finding("no event of these triggers shows 'fil', and the run would fail", "write file");
  expect(fixesOf(wrong, "{{trigger.fil}}")).toEqual([{ words: "Write file", value: "{{trigger.file}}" }]);
  expect(fixesOf(wrong, "{{trigger.fil}} and {{trigger.fil}}")).toEqual([]);
});
