/**
 * Puts the page that `glyphite export --page` saves into one file, all but the model and its
 * firmware: `node tools/page/bundle.mjs FILE`, called by `python -m tools.saved_page`.
 */

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const tools = dirname(fileURLToPath(import.meta.url));
const page = join(tools, "..", "..", "host", "glyphite", "host", "page");
const SCRIPT = '<script type="module" src="server_page.js"></script>';
const STYLE = '<link rel="stylesheet" href="style.css">';
const FACTS = '<script type="application/json" id="facts"></script>';

/** @param {string} file of the page, with all that it imports */
async function bundled(file) {
  const made = await build({
    entryPoints: [join(page, file)],
    absWorkingDir: page,
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    nodePaths: [join(tools, "node_modules")],
  });
  return made.outputFiles[0].text.trim();
}

/**
 * @param {string} text
 * @param {string} part which is there once
 * @param {string} other
 */
function replaced(text, part, other) {
  const pieces = text.split(part);
  if (pieces.length !== 2) throw new Error(`index.html has ${part} ${pieces.length - 1} times.`);
  return pieces.join(other);
}

const licence = (await readFile(join(tools, "node_modules", "avr8js", "LICENSE"), "utf8")).trim();
const style = (await readFile(join(page, "style.css"), "utf8")).trim();
let text = await readFile(join(page, "index.html"), "utf8");
text = replaced(text, STYLE, `<style>\n${style}\n</style>`);
text = replaced(
  text,
  SCRIPT,
  [
    `<!-- The worker holds avr8js (https://github.com/wokwi/avr8js):\n${licence}\n-->`,
    FACTS,
    `<script type="text/plain" id="avr-worker">${await bundled("avr_worker.js")}</script>`,
    `<script type="text/plain" id="digit-worker">${await bundled("digit_worker.js")}</script>`,
    `<script>${await bundled("saved_page.js")}</script>`,
  ].join("\n"),
);
await writeFile(process.argv[2], text);
