/** Chinese letters for readers whose machine has none; everybody else's pages stay as light as they are. */
import sheet from "./fonts.css?url";
import { drawsChinese } from "./local.ts";

if (!drawsChinese("system-ui, sans-serif")) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(sheet, import.meta.url).href;
  document.head.append(link);
}
