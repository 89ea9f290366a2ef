/**
 * Runs the worker of a saved page in node, asks its emulated board by the page's own session, and
 * prints the answers: `node emulated.mjs PAGE < TENSORS`, a JSON list of base64.
 */

import { readFileSync } from "node:fs";
import { bytesOf } from "../../../host/glyphite/host/page/facts.js";
import { WorkerLine } from "../../../host/glyphite/host/page/source_avr.js";
import { Session } from "../../../host/glyphite/host/page/wire/session.js";

const page = readFileSync(process.argv[2], "utf8");
const facts = JSON.parse(between('id="facts">'));
const program = between('id="avr-worker">');

/** The worker's end and the page's end of a channel, as a browser gives them. */
const inside = { postMessage: (data) => setImmediate(() => worker.onmessage?.({ data })), onmessage: null };
const worker = { postMessage: (data) => setImmediate(() => inside.onmessage?.({ data })), onmessage: null };
new Function("self", program)(inside);

const line = new WorkerLine(worker, bytesOf(facts.flash));
const session = new Session(line, facts.sha256);
const board = await session.hello();
const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const tensor of asked) {
  const told = await session.infer(bytesOf(tensor));
  answers.push({ scores: Buffer.from(told.scores).toString("base64"), milliseconds: told.milliseconds });
}
const { repeats } = session;
process.stdout.write(JSON.stringify({ board, answers, repeats, ratio: line.ratio, overruns: line.overruns }));
process.exit(0);

function between(start) {
  const from = page.indexOf(start) + start.length;
  return page.slice(from, page.indexOf("</script>", from));
}
