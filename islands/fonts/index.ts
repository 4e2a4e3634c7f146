/** Chinese letters for readers whose machine has none; everybody else's pages stay as light as they are. */
import sheet from "./fonts.css?url";
import { drawsChinese } from "./local.ts";

const CHINESE = /([\u2e80-\u9fff\uff00-\uff60]+)/;

if (!drawsChinese("system-ui, sans-serif")) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(sheet, import.meta.url).href;
  document.head.append(link);
  document.fonts.addEventListener("loadingdone", shapeAgain);
}

/** Say of Chinese words in other languages' pages what they are; what was shaped before its slice came stays boxes else. */
function shapeAgain(): void {
  if (document.documentElement.lang.startsWith("zh")) return;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    if (!CHINESE.test(text.data) || text.parentElement?.closest("script, style, textarea, option, [lang|=zh]")) continue;
    text.replaceWith(...text.data.split(CHINESE).map((words, index) => (index % 2 ? inChinese(words) : words)));
  }
}

function inChinese(words: string): HTMLElement {
  return Object.assign(document.createElement("span"), { lang: "zh-Hans", textContent: words });
}
