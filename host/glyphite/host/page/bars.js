/** Scores as bars in a table, a column an engine: with the time of each, and whether bytes differ. */

/** @typedef {import("./source.js").Answer} Answer */
/** @typedef {import("./source.js").EngineAnswer} EngineAnswer */
/** @typedef {import("./source.js").ModelInfo} ModelInfo */

/** Rows: of more scores, the largest are shown. */
const MOST_ROWS = 20;

export class Bars {
  /**
   * @param {HTMLTableElement} table
   * @param {ModelInfo} model
   */
  constructor(table, model) {
    this.table = table;
    this.model = model;
    table.classList.toggle("words", model.labels.some((label) => label.length > 2));
    this.clear();
  }

  clear() {
    const empty = this.model.labels.map(() => 0);
    const engine = { name: "board", scores: empty, milliseconds: NaN };
    this.show({ tensor28: new Uint8Array(), width: 0, height: 0, engines: [engine] }, true);
  }

  /**
   * @param {Answer} answer
   * @param {boolean} [blank] rows without scores
   */
  show(answer, blank = false) {
    const [first] = answer.engines;
    if (first === undefined) return;
    const rows = rowsOf(first.scores, this.model.shares && !blank);
    const most = this.model.shares ? 1 : largest(answer.engines);
    const best = first.scores.indexOf(Math.max(...first.scores));
    const head = element("thead", element("tr", headOf("", "col"), ...answer.engines.map((each) => headOf(each.name, "col"))));
    const body = element("tbody");
    for (const row of rows) {
      const scores = answer.engines.map((each) => element("td", this._score(each.scores[row] ?? NaN, most, blank)));
      const line = element("tr", headOf(this.model.labels[row] ?? String(row), "row"), ...scores);
      if (!blank && row === best && this.model.shares) line.classList.add("best");
      body.append(line);
    }
    const foot = element("tfoot");
    if (!blank) {
      foot.append(
        element("tr", headOf("", "row", "time"), ...answer.engines.map((each) => element("td", timeOf(each)))),
        element("tr", headOf("", "row", "bytes"), ...answer.engines.map((each) => markOf(each, answer.reference ?? "TFLM"))),
      );
    }
    for (const part of [...this.table.tBodies, this.table.tHead, this.table.tFoot]) part?.remove();
    this.table.append(head, body, foot);
  }

  /**
   * @param {number} score
   * @param {number} most the score of a whole bar
   * @param {boolean} blank
   */
  _score(score, most, blank) {
    const bar = element("i");
    bar.style.width = `${Math.min(100, (100 * Math.abs(score)) / (most || 1))}%`;
    const text = this.model.shares ? `${(100 * score).toFixed(1)} %` : score.toPrecision(4);
    const shown = element("span", bar, element("b", blank ? "" : text));
    shown.className = "score";
    return shown;
  }
}

/**
 * @param {number[]} scores
 * @param {boolean} byScore
 * @returns {number[]} the rows to show, in their order
 */
function rowsOf(scores, byScore) {
  const rows = scores.map((_, row) => row);
  if (byScore) rows.sort((one, other) => (scores[other] ?? 0) - (scores[one] ?? 0));
  return rows.slice(0, MOST_ROWS).sort((one, other) => one - other);
}

/** @param {EngineAnswer[]} engines */
function largest(engines) {
  return Math.max(...engines.flatMap((each) => each.scores.map(Math.abs)));
}

/** @param {EngineAnswer} engine */
function timeOf(engine) {
  const { milliseconds: time, timeOf: of = "" } = engine;
  if (!Number.isFinite(time)) return "time not told";
  const number = time >= 100 ? time.toFixed(0) : time >= 10 ? time.toFixed(1) : time.toFixed(2);
  return `${number} ms${of ? ` ${of}` : ""}`;
}

/**
 * @param {EngineAnswer} engine
 * @param {string} reference
 */
function markOf(engine, reference) {
  const { bytes, differs, uncompared } = engine;
  const same = uncompared ?? (bytes?.length ? `${reference}'s bytes` : "");
  const text = differs === undefined ? same : differs ? `✗ bytes differ from ${reference}'s` : `✓ ${reference}'s bytes`;
  const cell = element("td", text);
  if (differs !== undefined) cell.className = differs ? "differs" : "same";
  if (bytes?.length) cell.title = `Its bytes: ${Array.from(bytes).join(" ")}`;
  return cell;
}

/**
 * @param {string} text
 * @param {"row" | "col"} scope
 * @param {string} [spoken] where nothing is to be seen
 */
function headOf(text, scope, spoken) {
  const head = element("th", text);
  head.scope = scope;
  if (spoken !== undefined) {
    const hidden = element("span", spoken);
    hidden.className = "hidden";
    head.append(hidden);
  }
  return head;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {(Node | string)[]} content
 */
function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}
