/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const pages = ["index.html", "form.html"].filter((page) => existsSync(page));

/** Beside each text file its brotli and gzip forms, which the server sends as they are. */
function compressed(): Plugin {
  let folder = "";
  return {
    name: "careloom-compressed",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    async closeBundle() {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const body = await readFile(path);
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
        await writeFile(`${path}.br`, brotliCompressSync(body, { params }));
        await writeFile(`${path}.gz`, gzipSync(body, { level: 9 }));
      }
    },
  };
}

/** Relative addresses everywhere: the screens work under any prefix. Nothing is inlined as a
 * data: address, because the pages' Content-Security-Policy refuses those. */
export default defineConfig({
  base: "./",
  plugins: [react(), compressed()],
  build: {
    outDir: "../src/careloom/screens",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: pages,
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler)\// },
            { name: "router", test: /node_modules\/react-router\// },
            { name: "mantine", test: /node_modules\/(@mantine|@floating-ui|react-remove-scroll.*|clsx|tabbable)\// },
          ],
        },
      },
    },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
