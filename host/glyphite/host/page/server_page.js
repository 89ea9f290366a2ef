/** The page as the server gives it out. */

import { start } from "./app.js";
import { ServerSource } from "./source_server.js";

start([new ServerSource()]);
