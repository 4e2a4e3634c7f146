/** The map: draws what `layers.json` says in every `data-map` of the page. What cannot be drawn is said; the words beneath remain. */
import "maplibre-gl/dist/maplibre-gl.css";
import "./map.css";
import { ask, type Layers, layersAddress } from "./contract.ts";
import { button, make } from "./dom.ts";
import { readWords, word } from "./words.ts";

readWords();
const NEAR_PX = 400;
const near = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    void start(target as HTMLElement);
  }
}, { rootMargin: `${NEAR_PX}px` });
startAll();
document.addEventListener("cityloom:refreshed", startAll);

function startAll(): void {
  for (const host of document.querySelectorAll<HTMLElement>("[data-map]:not([data-state])")) {
    host.dataset.state = "waiting"; // a map that nobody looks at, or in a part that is closed, costs nothing
    near.observe(host);
  }
}

async function start(host: HTMLElement): Promise<void> {
  host.dataset.state = "loading";
  host.querySelector(".map-failed")?.remove();
  if (!canDraw()) {
    fail(host, word("no-webgl"), false);
    return;
  }
  const asked = ask<Layers>(layersAddress(host)); // while the library is still on its way
  asked.catch(() => {});
  try {
    const { open } = await import("./island.ts");
    await open(host, asked, (sentence) => fail(host, sentence, true));
  } catch (error) {
    fail(host, error instanceof Error && error.name === "NotAnswered" ? error.message : word("failed"), true);
    if (!(error instanceof Error && error.name === "NotAnswered")) console.info(error);
  }
}

function canDraw(): boolean {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

function fail(host: HTMLElement, sentence: string, again: boolean): void {
  host.dataset.state = "failed";
  delete host.dataset.liveKeep;
  host.querySelector(".map-box")?.remove();
  const said = make("p", { class: "map-failed message error", role: "alert" }, sentence, " ", word("words-remain"), " ");
  if (again) said.append(button(word("try-again"), () => void start(host)));
  host.prepend(said);
}
