/** The layers on the map: their sources, their colours, which are on, and what is asked again when something happens. */
import type { Feature } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as Drawing, StyleSpecification, VectorTileSource } from "maplibre-gl";
import { ask, type Layer, type Layers, type Live, withQuery } from "./contract.ts";
import { BOLD, REGULAR } from "./fonts.ts";
import type { Theme } from "./theme.ts";

const NOTHING: Live = { type: "FeatureCollection", features: [] };
const FIRST_MS = 15; // the events of one change come together
const BETWEEN_MS = 250; // a burst of events is a few questions

/** What the page asks of every layer. */
export interface Asked {
  incident: string;
  isPublic: boolean;
  at: string;
}

/** A style with the sources and the ground's colour; layers are added one by one, so that a wrong one harms no other. */
export function baseStyle(layers: Layers, theme: Theme, faces: StyleSpecification["font-faces"]): StyleSpecification {
  const sources = Object.fromEntries(Object.entries(layers.sources).map(([key, source]) => [
    key, { ...source, tiles: source.tiles?.map((address) => location.origin + address) },
  ]));
  return {
    version: 8, sources, ...(faces ? { "font-faces": faces } : {}),
    layers: [{ id: "land", type: "background", paint: { "background-color": theme.colour("--map-land") } }],
  };
}

export class DrawnLayers {
  private readonly ids = new Map<string, string[]>();
  private readonly specs = new Map<string, LayerSpecification>();
  private readonly on = new Set<string>();
  private readonly waiting = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly asking = new Map<string, number>();
  private readonly askedAt = new Map<string, number>();
  private readonly answered = new Map<string, number>();
  private readonly features = new Map<string, Feature[]>();
  /** Called with a layer's key after its features have changed, or with a sentence where they could not be had. */
  changed: (key: string, sentence?: string) => void = () => {};

  constructor(
    private readonly map: Drawing, private readonly theme: Theme, readonly layers: Layers, readonly asked: Asked,
  ) {
    theme.watch(() => this.repaint());
  }

  /** Put all on the map, in their order. */
  add(on: (layer: Layer) => boolean): void {
    for (const layer of this.layers.layers) {
      if (layer.why_not) continue;
      if (layer.kind === "live") this.map.addSource(`live-${layer.key}`, { type: "geojson", data: NOTHING, attribution: "" });
      this.ids.set(layer.key, (layer.style ?? []).flatMap((style, at) => this.addOne(layer, style, at)));
      this.turn(layer.key, on(layer));
    }
  }

  isOn(key: string): boolean {
    return this.on.has(key);
  }

  /** Whether anything of a layer is drawn in this part of the map, at this zoom. */
  isSeen(key: string): boolean {
    return this.on.has(key) && this.map.queryRenderedFeatures({ layers: this.ids.get(key) ?? [] }).length > 0;
  }

  shown(): Set<string> {
    return new Set(this.on);
  }

  turn(key: string, on: boolean): void {
    if (on) this.on.add(key);
    else this.on.delete(key);
    for (const id of this.ids.get(key) ?? []) this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
    if (on && this.layer(key)?.kind === "live") this.refresh(key);
  }

  layer(key: string): Layer | undefined {
    return this.layers.layers.find((layer) => layer.key === key);
  }

  /** The layer that a style layer belongs to. */
  owner(styleLayer: string): Layer | undefined {
    return this.layer(styleLayer.replace(/-\d+$/, ""));
  }

  /** The style layers of what is on and has cards. */
  withCards(): string[] {
    return this.layers.layers.filter((layer) => layer.card && this.on.has(layer.key)).flatMap((l) => this.ids.get(l.key) ?? []);
  }

  /** The features of a live layer, as last heard. */
  known(key: string): Feature[] {
    return this.features.get(key) ?? [];
  }

  /** Whether every live layer that is on has been answered, well or not. */
  hasHeardAll(): boolean {
    return [...this.asking].every(([key, asking]) => this.answered.get(key) === asking);
  }

  /** Ask again for the live layers that care about an event. */
  hear(type: string): void {
    if (type === "reset") return this.refreshAll(); // something was missed
    const name = type.split(".").findLast((part) => /^[A-Z]/.test(part)) ?? type;
    for (const layer of this.layers.layers) {
      if (layer.kind === "live" && this.on.has(layer.key) && layer.events?.includes(name)) this.soon(layer.key);
    }
  }

  /** Ask again for every live layer that is on. */
  refreshAll(): void {
    for (const layer of this.layers.layers) if (layer.kind === "live" && this.on.has(layer.key)) this.refresh(layer.key);
  }

  /** New addresses of tiles, where the city's data have changed. */
  retile(sources: Layers["sources"]): void {
    for (const [key, source] of Object.entries(sources)) {
      const shown = this.map.getSource<VectorTileSource>(key);
      if (shown && source.tiles) shown.setTiles(source.tiles.map((address) => location.origin + address));
    }
  }

  private soon(key: string): void {
    if (this.waiting.has(key)) return;
    const since = performance.now() - (this.askedAt.get(key) ?? -BETWEEN_MS);
    this.waiting.set(key, setTimeout(() => this.refresh(key), Math.max(FIRST_MS, BETWEEN_MS - since)));
  }

  private refresh(key: string): void {
    const layer = this.layer(key);
    if (!layer?.url) return;
    clearTimeout(this.waiting.get(key));
    this.waiting.delete(key);
    this.askedAt.set(key, performance.now());
    const asking = (this.asking.get(key) ?? 0) + 1;
    this.asking.set(key, asking);
    const address = withQuery(layer.url, { at: this.asked.at, public: this.asked.isPublic ? "1" : "" });
    ask<Live>(address).then(
      (heard) => { if (this.isNewer(key, asking)) this.show(key, heard); },
      (error: Error) => { if (this.isNewer(key, asking)) this.changed(key, error.message); },
    );
  }

  /** Answers may overtake each other: one that was asked for before the last shown is dropped. */
  private isNewer(key: string, asking: number): boolean {
    if (asking < (this.answered.get(key) ?? 0)) return false;
    this.answered.set(key, asking);
    return true;
  }

  private show(key: string, heard: Live): void {
    const features = heard.features.filter((feature) => this.concerns(feature));
    this.features.set(key, features);
    this.map.getSource<GeoJSONSource>(`live-${key}`)?.setData({ type: "FeatureCollection", features });
    performance.mark(`cityloom-map-live-${key}`);
    this.changed(key);
  }

  /** An incident's own map leaves out what belongs to other incidents. */
  private concerns(feature: Feature): boolean {
    const incident: unknown = feature.properties?.incident;
    return !this.asked.incident || !incident || incident === this.asked.incident;
  }

  private addOne(layer: Layer, style: Record<string, unknown>, at: number): string[] {
    const id = `${layer.key}-${at}`;
    const spec = {
      minzoom: layer.minzoom ?? 0, maxzoom: layer.maxzoom ?? 24, ...style, id,
      ...(layer.kind === "live" ? { source: `live-${layer.key}` } : { source: layer.source, "source-layer": layer.key }),
    } as LayerSpecification;
    if (spec.type === "symbol") spec.layout = { ...spec.layout, ...font(spec.layout) };
    this.specs.set(id, spec);
    try {
      this.map.addLayer(this.theme.paint(spec));
    } catch (error) {
      console.info(`layer ${id}:`, error);
    }
    return this.map.getLayer(id) ? [id] : [];
  }

  private repaint(): void {
    this.map.setPaintProperty("land", "background-color", this.theme.colour("--map-land"));
    for (const [id, spec] of this.specs) {
      if (!this.map.getLayer(id)) continue;
      for (const [name, value] of Object.entries(spec.paint ?? {})) {
        if (JSON.stringify(value).includes('"--')) this.map.setPaintProperty(id, name as never, this.theme.paint(value) as never);
      }
    }
  }
}

function font(layout: Record<string, unknown> | undefined): { "text-font": string[] } {
  const wanted = layout?.["text-font"];
  return { "text-font": Array.isArray(wanted) && /bold/i.test(String(wanted[0])) ? BOLD : REGULAR };
}
