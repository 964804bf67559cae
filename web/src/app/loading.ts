import type { ComponentType } from "react";
import { isLost, onConnection, setLost } from "../api/client";

interface PageModule {
  default: ComponentType;
}

/** The part of a page that is not there: the server has other screens by now. */
export class OtherVersion extends Error {
  constructor() {
    super("The server has newer screens than this tab");
  }
}

/** Load a page's files; while the server cannot be reached, wait for it and go on. */
export async function loadPage(load: () => Promise<PageModule>): Promise<PageModule> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (await answers()) throw error instanceof TypeError ? new OtherVersion() : error;
      setLost(true);
      await regained();
    }
  }
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch("icon.svg", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

function regained(): Promise<void> {
  return new Promise((resolve) => {
    const stop = onConnection(() => {
      if (isLost()) return;
      stop();
      resolve();
    });
  });
}
