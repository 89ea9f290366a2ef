/** The board's state: a lamp, a sentence, and the model with its hash. */

/** @typedef {import("./source.js").BoardState} BoardState */

const SHOWN_DIGITS = 12;

/**
 * @param {{state: HTMLElement, text: HTMLElement, model: HTMLElement}} places
 * @param {BoardState} told
 */
export function showState(places, told) {
  places.state.dataset["state"] = told.state;
  if (places.text.textContent !== told.text) places.text.textContent = told.text;
  if (!told.model || places.model.dataset["sha256"] === told.sha256) return;
  const { sha256 = "" } = told;
  places.model.dataset["sha256"] = sha256;
  const hash = document.createElement("code");
  hash.textContent = sha256.slice(0, SHOWN_DIGITS);
  hash.title = sha256;
  places.model.replaceChildren(`Model ${told.model}, SHA-256 `, hash);
}
