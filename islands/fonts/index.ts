/** Chinese letters for readers whose machine has none; everybody else's pages stay as light as they are. */
import { drawsChinese } from "./local.ts";

if (!drawsChinese("system-ui, sans-serif")) import("./letters.ts").then(({ bringLetters }) => bringLetters());
