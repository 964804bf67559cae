/** The little of Node that the tests of this room use; the screens themselves know no Node. */
declare module "node:fs" {
  interface Entry {
    name: string;
    parentPath: string;
  }
  export function readFileSync(path: string, encoding: "utf8"): string;
  export function readdirSync(path: string): string[];
  export function readdirSync(path: string, options: { withFileTypes: true; recursive: true }): Entry[];
}
declare module "node:path" {
  export function join(...parts: string[]): string;
}
declare const process: { env: Record<string, string | undefined> };
interface ImportMeta {
  readonly dirname: string;
}
