// Bundles the pages into src/whyshape/_web and writes down what was built. Same sources, same bytes.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../src/whyshape/_web");
const pages = ["report", "play"].filter((page) => existsSync(join(here, page, "main.tsx")));

await build({
  absWorkingDir: here,
  entryPoints: pages.flatMap((page) => [{ in: `${page}/main.tsx`, out: page }, { in: `${page}/${page}.css`, out: page }]),
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  jsxFactory: "make",
  jsxFragment: "Fragment",
  charset: "ascii", // nothing in an inlined script for an encoding to change
  legalComments: "none",
  logLevel: "warning",
});

const built = readdirSync(out).filter((name) => /\.(js|css)$/.test(name)).sort();
const manifest = Object.fromEntries(built.map((name) => {
  const bytes = readFileSync(join(out, name));
  return [name, { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }];
}));
writeFileSync(join(out, "MANIFEST.json"), `${JSON.stringify(manifest, null, 2)}\n`);
