import { createContext } from "react";
import type { Attachment } from "./types";

/** Hand in a file for a question; answers the Attachment to answer with. Raises an Error that says
 * why the file is not taken. */
export type Upload = (question: string, file: File) => Promise<Attachment>;

/** How files of the form around are handed in; without it they stand in the answers themselves. */
export const UploadContext = createContext<Upload | undefined>(undefined);
