/** Reads pictures from standard input, a JSON list, and prints what the page sees in each. */

import { readDigit } from "../../../host/glyphite/host/page/digit.js";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const seen = JSON.parse(Buffer.concat(chunks).toString()).map((told) => {
  const picture = { width: told.width, height: told.height, pixels: bytesOf(told.pixels) };
  if (told.rgba !== undefined) picture.rgba = bytesOf(told.rgba);
  try {
    return { pixels: Buffer.from(readDigit(picture).pixels).toString("base64") };
  } catch (error) {
    return { refused: error.message };
  }
});
process.stdout.write(JSON.stringify(seen));

function bytesOf(text) {
  return new Uint8ClampedArray(Buffer.from(text, "base64"));
}
