/**
 * What answers a drawing: a server with a board (source_server.js), a real board by Web Serial
 * (source_serial.js), or an emulated one in the page (source_avr.js). The page knows a source by
 * these types alone, and no source knows the page.
 */

/**
 * A picture as the page has it. Of a drawing, 0 is paper and 255 ink, so light on dark; a dropped
 * picture is as it was, and a source reads ink dark on light as well.
 * @typedef {object} Picture
 * @property {number} width in pixels
 * @property {number} height in pixels
 * @property {Uint8ClampedArray} pixels (height * width), gray, row by row
 * @property {Uint8ClampedArray} [rgba] (height * width * 4), opaque, where it has colours
 * @property {boolean} [isTensor] it has the model's own size already, as a test image: take it as
 *   it is, without looking for a digit in it
 */

/**
 * Values that are no picture: what a model of a window or a vector takes, in its raw units.
 * @typedef {object} Values
 * @property {number[]} values flat, as many as the model's input has
 */

/**
 * One engine's answer.
 * @typedef {object} EngineAnswer
 * @property {string} name "board", "int8 (PC)" or "float"; for people
 * @property {number[]} scores one for each label: shares of 1, or values of a model without shares
 * @property {number} milliseconds of one inference; the board's by its own clock, NaN where unknown
 * @property {string} [timeOf] what the time is of, where that wants a word: "by its own clock"
 * @property {Int8Array} [bytes] the output tensor
 * @property {boolean} [differs] whether its bytes differ from the reference's; absent: not compared
 * @property {string} [uncompared] why they were not, where people would wonder
 */

/**
 * An answer to one picture.
 * @typedef {object} Answer
 * @property {Uint8Array} tensor28 (height * width) what the model saw, 0 for paper to 255 for ink;
 *   empty where it saw no picture
 * @property {number} width of tensor28
 * @property {number} height of tensor28
 * @property {EngineAnswer[]} engines the board first
 * @property {string} [reference] whose bytes the board's were compared with
 * @property {string} [note] one sentence beside the answer: what was left out of the picture
 */

/**
 * What a source says of its board. "connecting" until the first answer; "gone": it is not coming
 * back by itself, and text says what to do.
 * @typedef {object} BoardState
 * @property {"connecting"|"connected"|"reconnecting"|"gone"} state
 * @property {string} text a sentence for people
 * @property {string} [board] the board's name
 * @property {string} [model] the model's name
 * @property {string} [sha256] of its .tflite, 64 hexadecimal digits
 */

/**
 * What the model is, known once the source is open.
 * @typedef {object} ModelInfo
 * @property {"digits"|"picture"|"values"} kind digits: a drawing is centred and scaled as MNIST's;
 *   picture: one of its shape; values: a window or a vector
 * @property {string[]} labels one for each score
 * @property {number[]} shape of the input, without the batch: [28, 28, 1]
 * @property {boolean} shares whether scores are shares of 1, which bars show from 0 to 1
 */

/**
 * A test sample.
 * @typedef {object} Sample
 * @property {Picture} [picture] of the model's own size
 * @property {number[]} [values]
 * @property {string} label the right answer; "" where it has none
 */

/**
 * `read` rejects with an Error whose message is a sentence for people: a picture in which there is
 * no digit, a board that is gone. A source answers one `read` at a time; the page asks for the
 * newest drawing alone, after the answer to the one before.
 * @typedef {object} Source
 * @property {string} name for people, in a list: "emulated Arduino Uno in this page"
 * @property {() => Promise<ModelInfo>} open begins; must be called out of a click where the browser
 *   asks the user for a port
 * @property {() => Promise<void>} close
 * @property {(listener: (state: BoardState) => void) => void} onState called at once with the state
 *   as it is, and then with each change
 * @property {(asked: Picture|Values) => Promise<Answer>} read
 * @property {(() => Promise<Sample>)|null} sample the next test sample; null where it has none
 */

export {};
