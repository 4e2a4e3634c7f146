/** One map in a page: its parts put together. */
import { AttributionControl, type GeoJSONSource, Map as Drawing, NavigationControl, prewarm, type RequestParameters, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerAddress from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { fillCard, fillList, type Thing, thingsAt } from "./card.ts";
import { ask, type Hit, type Layers, layersAddress, seenByAll } from "./contract.ts";
import { calm, make } from "./dom.ts";
import { baseStyle, DrawnLayers } from "./drawn.ts";
import { fontFaces } from "./fonts.ts";
import { fillLegend } from "./legend.ts";
import { Measure } from "./measure.ts";
import { Panels } from "./panels.ts";
import { Past } from "./past.ts";
import { Pick } from "./pick.ts";
import { searchBox } from "./search.ts";
import { fillShare } from "./share.ts";
import { Theme } from "./theme.ts";
import { readView, type View, writeView } from "./view.ts";
import { libraryWords, word } from "./words.ts";

const ALL_TOOLS = "search layers list measure past share";
const EVERY_MS = 60_000; // live layers are asked again this often where no event says when
const WIDE_PX = 900;

setWorkerUrl(new URL(workerAddress, location.href).href);
prewarm(); // the worker starts while the layers are asked for

/** Draw the map of a `data-map`; `failed` is called with a sentence where it stops working later. */
export async function open(host: HTMLElement, asked: Promise<Layers>, failed: (sentence: string) => void): Promise<void> {
  const facts = host.dataset;
  const isPublic = seenByAll(host);
  const layers = await asked;
  const shared: View = facts.share !== undefined ? readView(location.hash) : {};
  const parts = new Parts(host, layers, shared, isPublic);
  host.prepend(parts.frame);
  try {
    await parts.draw();
  } catch (error) {
    parts.frame.remove();
    throw error;
  }
  parts.map.getCanvas().addEventListener("webglcontextlost", () => failed(word("lost-webgl")));
  const wrong = calm(500, (error: unknown) => void parts.wrong(error as { status?: number }, layersAddress(host)));
  parts.map.on("error", (event) => wrong(event.error));
}

class Parts {
  readonly frame = make("div", { class: "map-box", role: "group", "aria-label": word("title") });
  map!: Drawing;
  drawn!: DrawnLayers;
  private readonly canvas = make("div", { class: "map-canvas" });
  private readonly said = make("p", { class: "map-said", role: "status" });
  private readonly mark = make("p", { class: "map-exercise map-exercise-mark", hidden: true }, word("exercise"));
  private readonly panels = new Panels();
  private readonly theme: Theme;
  private readonly past: Past;
  private readonly tools: Set<string>;
  private thing: Thing | undefined;

  constructor(private readonly host: HTMLElement, private readonly layers: Layers, private readonly shared: View, private readonly isPublic: boolean) {
    this.tools = new Set((host.dataset.tools ?? ALL_TOOLS).split(/\s+/));
    this.past = new Past(shared.at ?? host.dataset.at ?? "", (at) => this.lookAt(at));
    if (this.tools.has("search")) this.panels.bar.append(searchBox(layers.search, isPublic, (hit) => this.found(hit)));
    const stage = make("div", { class: "map-stage" }, this.panels.side, this.canvas, this.past.banner, this.mark, this.said);
    this.frame.append(this.panels.bar, stage);
    host.prepend(this.frame);
    if (host.dataset.share !== undefined) this.frame.style.setProperty("--above", `${Math.round(this.frame.getBoundingClientRect().top + scrollY)}px`);
    this.theme = new Theme(this.frame);
  }

  async draw(): Promise<void> {
    const faces = await fontFaces();
    this.map = new Drawing({
      container: this.canvas, style: baseStyle(this.layers, this.theme, faces), locale: libraryWords(), attributionControl: false,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, fadeDuration: 0, maxZoom: 20, ...this.start(),
      transformRequest: (url) => (this.isOpen(url) ? withoutCookies(url) : { url }),
      pixelRatio: Math.min(devicePixelRatio, 2), refreshExpiredTiles: false, cooperativeGestures: this.host.dataset.gestures === "cooperative",
    });
    this.canvas.append(make("div", { class: "map-cross", "aria-hidden": "true" }));
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.controls();
    await new Promise<void>((resolve, reject) => {
      this.map.once("style.load", () => resolve());
      this.map.once("error", (event) => reject(event.error));
    });
    this.fillMap();
    this.addPanels();
    this.listen();
    (this.host as HTMLElement & { map?: Drawing }).map = this.map;
    this.host.dataset.state = "drawn";
    this.host.dataset.liveKeep = ""; // a part of the page that is read again leaves a drawn map where it is
    this.map.on("idle", this.rest);
  }

  /** Say once that everything that the city has told so far is drawn. */
  private readonly rest = (): void => {
    if (!this.drawn.hasHeardAll()) return;
    this.map.off("idle", this.rest);
    this.panels.refill("layers");
    this.host.dataset.state = "idle";
    performance.mark("cityloom-map-idle");
  };

  /** Where the map begins: a shared view, else what the page names, else the city. */
  private start(): object {
    const { view, bounds, pickView } = this.host.dataset;
    if (this.shared.centre) return { center: this.shared.centre, zoom: this.shared.zoom };
    const named = numbers(bounds, 4);
    if (named) return { bounds: named, fitBoundsOptions: { padding: 40, maxZoom: 17 } };
    const [lon, lat, zoom] = numbers(view || pickView, 3) ?? this.layers.view ?? [0, 0, 1];
    return { center: [lon, lat], zoom };
  }

  /** Whether tiles need no session: without cookies they are answered sooner, and kept for everybody. */
  private isOpen(url: string): boolean {
    return (this.layers.open_sources ?? []).some((key) => url.includes(`/tiles/${this.layers.version}/${key}/`));
  }

  private controls(): void {
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new ScaleControl({ maxWidth: 110 }), "bottom-right");
    this.map.addControl(new AttributionControl({ compact: true, customAttribution: this.layers.attribution ? escaped(this.layers.attribution) : [] }));
  }

  private fillMap(): void {
    const incident = this.host.dataset.incident ?? "";
    const at = this.shared.at ?? this.host.dataset.at ?? "";
    const chosen = this.host.dataset.layers?.split(/[\s,]+/).filter(Boolean);
    this.drawn = new DrawnLayers(this.map, this.theme, this.layers, { incident, isPublic: this.isPublic, at });
    this.drawn.changed = (key, sentence) => this.heard(key, sentence);
    const on = this.shared.layers ?? (chosen && new Set(chosen));
    this.drawn.add((layer) => on?.has(layer.key) ?? layer.on !== false);
    this.addSelection();
  }

  private addSelection(): void {
    this.map.addSource("selected", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    this.map.addLayer({ id: "selected-line", source: "selected", type: "line", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-width": 4 } });
    this.map.addLayer({ id: "selected-ring", source: "selected", type: "circle", filter: ["==", ["geometry-type"], "Point"],
                        paint: { "circle-radius": 13, "circle-opacity": 0, "circle-stroke-width": 4 } });
    const paint = () => {
      this.map.setPaintProperty("selected-line", "line-color", this.theme.colour("--map-selected"));
      this.map.setPaintProperty("selected-ring", "circle-stroke-color", this.theme.colour("--map-selected"));
    };
    paint();
    this.theme.watch(paint);
  }

  private addPanels(): void {
    const turned = () => {
      this.panels.refill("layers");
      this.map.once("idle", () => this.panels.refill("layers")); // what was turned on is in sight only now
      this.remember();
    };
    const measure = this.tools.has("measure") ? new Measure(this.map, this.theme) : undefined;
    const panels = {
      layers: (body: HTMLElement) => fillLegend(body, this.drawn, this.map.getZoom(), turned),
      list: (body: HTMLElement) => fillList(body, thingsAt(this.map, this.drawn), this.drawn, (thing) => this.choose(thing, true)),
      measure: (body: HTMLElement) => measure?.fill(body),
      past: (body: HTMLElement) => this.past.fill(body),
      share: (body: HTMLElement) => fillShare(body, location.origin + this.address()),
    };
    for (const [key, fill] of Object.entries(panels)) {
      if (this.tools.has(key)) this.panels.add({ key, fill, closed: key === "measure" ? () => measure?.closed() : undefined });
    }
    this.panels.add({ key: "card", fill: (body) => void (this.thing && fillCard(body, this.thing, this.drawn)), closed: () => this.select(undefined) }, false);
    this.panels.add({ key: "hit", fill: () => {} }, false);
    const input = document.getElementById(this.host.dataset.pick ?? "");
    const pick = input instanceof HTMLInputElement ? new Pick(this.map, input) : undefined;
    if (pick) this.frame.append(pick.bar);
    this.map.on("click", (event) => {
      if (measure?.isOn) measure.point(event.lngLat.toArray());
      else if (pick) pick.set(event.lngLat.toArray());
      else this.clicked(event.point);
    });
    const isOpen = this.host.dataset.panel ?? (this.frame.clientWidth >= WIDE_PX && this.tools.has("share") ? "layers" : "");
    if (isOpen) this.panels.open(isOpen, word(isOpen), true);
  }

  private clicked(point: { x: number; y: number }): void {
    const [first] = thingsAt(this.map, this.drawn, point);
    if (first) this.choose(first, false);
    else if (this.panels.current === "card") this.panels.close();
  }

  private choose(thing: Thing, moves: boolean): void {
    this.thing = thing;
    this.select(thing);
    this.panels.open("card", thing.title);
    this.map.resize();
    if (moves && thing.feature.geometry.type === "Point") this.map.easeTo({ center: thing.feature.geometry.coordinates as [number, number] });
    this.select(thing);
  }

  private select(thing: Thing | undefined): void {
    const features = thing ? [{ type: "Feature" as const, properties: {}, geometry: thing.feature.geometry }] : [];
    this.map.getSource<GeoJSONSource>("selected")?.setData({ type: "FeatureCollection", features });
  }

  private found(hit: Hit): void {
    if (!hit.place) {
      if (hit.url) location.assign(hit.url);
      return;
    }
    this.map.getSource<GeoJSONSource>("selected")?.setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: hit.place } });
    this.panels.open("hit", hit.title, true);
    this.map.resize(); // the panel has made it narrower; the place belongs in the middle of what is left
    this.map.easeTo({ center: hit.place, zoom: Math.max(this.map.getZoom(), 16.5) });
    const body = this.panels.side.querySelector(".map-side-body");
    if (hit.subtitle) body?.append(make("p", {}, hit.subtitle));
    if (hit.url) body?.append(make("p", {}, make("a", { href: hit.url, class: "button" }, word("read-on"))));
    this.say(word("moved-to", { title: hit.title }));
  }

  private listen(): void {
    const moved = calm(250, () => {
      this.panels.refill("list");
      this.panels.refill("layers");
      this.panels.refill("share");
      this.remember();
    });
    this.map.on("moveend", moved);
    const hover = calm(40, (point: { x: number; y: number }) => {
      const over = !this.canvas.classList.contains("map-aiming") && thingsAt(this.map, this.drawn, point).length > 0;
      this.map.getCanvas().style.cursor = over ? "pointer" : "";
    });
    this.map.on("mousemove", (event) => hover(event.point));
    if (this.host.dataset.live === undefined) return;
    document.addEventListener("cityloom:event", (event) => {
      if (!this.drawn.asked.at) this.drawn.hear(String((event as CustomEvent<{ type?: string }>).detail?.type ?? ""));
    });
    setInterval(() => {
      if (!document.hidden && !this.drawn.asked.at) this.drawn.refreshAll();
    }, EVERY_MS);
  }

  private lookAt(at: string): void {
    this.drawn.asked.at = at;
    this.drawn.refreshAll();
    this.frame.classList.toggle("map-in-past", Boolean(at));
    this.remember();
  }

  private heard(key: string, sentence?: string): void {
    this.map.triggerRepaint(); // the map rests again, with this layer heard
    if (sentence) this.say(word("layer-failed", { layer: this.drawn.layer(key)?.label ?? key, sentence }));
    const keys = this.layers.layers.filter((layer) => layer.kind === "live" && this.drawn.isOn(layer.key)).map((layer) => layer.key);
    this.mark.hidden = !keys.some((one) => this.drawn.known(one).some((feature) => feature.properties?.exercise));
  }

  /** Tiles of an older city are asked for anew; anything else is said. */
  async wrong(error: { status?: number } | undefined, address: string): Promise<void> {
    if (error?.status === 404) {
      const fresh = await ask<Layers>(address).catch(() => undefined);
      if (fresh && fresh.version !== this.layers.version) {
        this.layers.version = fresh.version;
        this.drawn.retile(fresh.sources);
        return;
      }
    }
    this.say(word("part-failed"));
  }

  private say(sentence: string): void {
    this.said.textContent = sentence;
  }

  private address(): string {
    const view = { zoom: this.map.getZoom(), centre: this.map.getCenter().toArray(), layers: this.drawn.shown(), at: this.drawn.asked.at };
    return (this.host.dataset.sharePath ?? location.pathname) + location.search + writeView(view);
  }

  private remember(): void {
    if (this.host.dataset.share !== undefined) history.replaceState(history.state, "", this.address());
  }
}

/** The library hands on what `fetch` takes; its types know two of the three values. */
function withoutCookies(url: string): RequestParameters {
  return { url, credentials: "omit" } as unknown as RequestParameters;
}

function numbers(text: string | undefined, count: 3 | 4): [number, number, number, number] | undefined {
  const found = (text ?? "").split(",").map(Number);
  return found.length === count && found.every(Number.isFinite) ? (found as [number, number, number, number]) : undefined;
}

function escaped(text: string): string {
  const holder = document.createElement("span");
  holder.textContent = text;
  return holder.innerHTML;
}
