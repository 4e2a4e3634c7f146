/** Letters as a page needs them: the few of a language's name, those of the city's own words in one file, or any other. */
import sheet from "./fonts.css?url";
import few from "./made/few.woff2?url";
import letters from "./made/letters.json";
import own from "./made/own.woff2?url";

const CHINESE = /([\u2e80-\u9fff\uff00-\uff60]+)/;
const FAMILY = "Noto Sans SC Variable";
const HELD = [new Set<string>(), new Set(letters.few), new Set(letters.own)];
const isChinese = document.documentElement.lang.startsWith("zh");
let step = isChinese ? 1 : 0;

/** Bring what the page shows, and later whatever else comes to it or is typed. */
export function bringLetters(): void {
  const inOtherPages = new CSSStyleSheet();
  // a few Chinese words in a page of another language: the system's own font claims to have them, and draws boxes
  inOtherPages.replaceSync(`[lang|="zh"]:not(:root) { font-family: "${FAMILY}", system-ui, sans-serif; }`);
  document.adoptedStyleSheets.push(inOtherPages);
  need(isChinese ? `${letters.own}${document.body.textContent}` : document.body.textContent);
  const come = new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) for (const node of [target.firstChild ? null : target, ...addedNodes]) need(node?.textContent);
  });
  come.observe(document.body, { subtree: true, childList: true, characterData: true });
  document.addEventListener("input", ({ target }) => need((target as HTMLInputElement).value));
}

function need(text: string | null | undefined): void {
  const needed = text?.match(new RegExp(CHINESE, "g"))?.join("") ?? "";
  for (const letter of needed) while (step < HELD.length && !HELD[step]?.has(letter)) bring(++step);
  if (needed && !isChinese) nameLanguage();
}

function bring(which: number): void {
  if (which === 1) add(few, letters.few);
  else if (which === 2) add(own, letters.own);
  else document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(sheet, import.meta.url).href }));
}

function add(address: string, held: string): void {
  const unicodeRange = [...held].map((letter) => `U+${letter.codePointAt(0)?.toString(16)}`).join(",");
  const source = `url("${new URL(address, import.meta.url).href}")`;
  // the weights of the slices: a browser asks none of them beside a face of other weights
  document.fonts.add(new FontFace(FAMILY, source, { unicodeRange, weight: "100 900", display: "swap" }));
}

/** Say of Chinese words in other languages' pages what they are; else the system's font keeps them as boxes. */
function nameLanguage(): void {
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
