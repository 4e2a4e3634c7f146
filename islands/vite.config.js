// One folder for each island; what is built goes to cityloom/ui/static/ui/built (tools/islands.py says where).
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

const FONT = "@fontsource-variable/noto-sans-sc";
const SLICE = /src: url\(\.\/files\/([\w-]+\.woff2)\)[^}]*unicode-range: ([^;]+);/g;

/** The slices of the Chinese font as a list of [address, ranges], for a map that draws its letters itself. */
function slices() {
  const name = "virtual:font-slices";
  return {
    name: "font-slices",
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load(id) {
      if (id !== `\0${name}`) return undefined;
      const sheet = readFileSync(new URL(`node_modules/${FONT}/wght.css`, import.meta.url), "utf8");
      const found = [...sheet.matchAll(SLICE)];
      const imports = found.map(([, file], at) => `import f${at} from "${FONT}/files/${file}?url";`);
      const rows = found.map(([, , ranges], at) => `[f${at}, "${ranges}"]`);
      return `${imports.join("\n")}\nexport default [${rows.join(",\n")}];`;
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [slices()],
  build: {
    manifest: "manifest.json",
    target: "es2022",
    assetsInlineLimit: 0, // the pages' policy lets no script or font come from a data: address
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      input: { map: "map/index.ts", fonts: "fonts/index.ts" },
      output: {
        // twelve hexadecimal digits: such files are served as never changing
        hashCharacters: "hex",
        entryFileNames: "[name].[hash:12].js",
        chunkFileNames: "[name].[hash:12].js",
        assetFileNames: (asset) => `${/woff2$/.test(asset.names?.[0] ?? "") ? "fonts/" : ""}[name].[hash:12][extname]`,
      },
    },
  },
});
