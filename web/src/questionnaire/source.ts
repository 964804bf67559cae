import type { Attachment, Coding } from "./types";

/** What stands on the server behind a form: options of large value sets, and files. */
export interface Source {
  /** Options whose words begin so; `more` when there are others. */
  find: (valueSet: string, words: string) => Promise<{ options: Coding[]; more: boolean }>;
  /** Keep a file for a question; what to answer with. Raises with what is wrong in words. */
  keep: (linkId: string, file: File) => Promise<Attachment>;
}
