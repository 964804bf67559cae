/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { existsSync } from "node:fs";
import { defineConfig } from "vite";

const pages = ["index.html", "form.html"].filter((page) => existsSync(page));

/** Relative addresses everywhere: the screens work under any prefix. Nothing is inlined as a
 * data: address, because the pages' Content-Security-Policy refuses those. */
export default defineConfig({
  base: "./",
  plugins: [react()],
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
            { name: "react", test: /node_modules\/(react|react-dom|scheduler|react-router)\// },
            { name: "mantine", test: /node_modules\/(@mantine|@floating-ui|react-remove-scroll.*|clsx|tabbable)\// },
          ],
        },
      },
    },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
