/** The page as `glyphite export --page` saves it: the board in it, or one at this computer. */

import { start } from "./app.js";
import { factsOfPage } from "./facts.js";
import { AvrSource } from "./source_avr.js";
import { SerialSource } from "./source_serial.js";

const facts = factsOfPage();
start([new AvrSource(facts), new SerialSource(facts)]);
