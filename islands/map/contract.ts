/** What the server says about the map: docs/reference/map.md. */
import type { FeatureCollection } from "geojson";
import type { LayerSpecification, VectorSourceSpecification } from "maplibre-gl";
import { word } from "./words.ts";

export interface LegendItem { swatch: string; label: string; shape?: "line" | "area" | "point" }

export interface Layer {
  key: string;
  label: string;
  section: string;
  kind: "tile" | "live";
  why_not?: string;
  source?: string;
  url?: string;
  style?: Omit<LayerSpecification, "id" | "source">[];
  legend?: LegendItem[];
  on?: boolean;
  minzoom?: number;
  maxzoom?: number;
  card?: boolean;
  events?: string[];
}

export interface Layers {
  version: string | null;
  attribution: string;
  bounds: [number, number, number, number] | null;
  view: [number, number, number] | null;
  sources: Record<string, VectorSourceSpecification>;
  open_sources?: string[];
  sections: { key: string; label: string }[];
  layers: Layer[];
  card: string;
  search: string;
}

export interface Card { title: string; state?: string; facts: [string, string][]; note?: string; url?: string; url_label?: string }

export interface Hit { title: string; subtitle?: string; url?: string; place?: [number, number] | null }

export interface Found { q: string; groups: { key: string; label: string; hits: Hit[] }[] }

export type Live = FeatureCollection & { at?: string; left_out?: number };

/** Something that was asked for and not answered, with a sentence for the reader. */
export class NotAnswered extends Error {
  override name = "NotAnswered";
}

/** Ask the city for JSON; whatever goes wrong becomes a sentence. */
export async function ask<T>(address: string, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin", signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NotAnswered(word("no-connection"));
  }
  const body = (await answer.json().catch(() => null)) as (T & { sentence?: string }) | null;
  if (!answer.ok || body === null) throw new NotAnswered(body?.sentence || word("no-answer", { status: answer.status }));
  return body;
}

/** Whether a map shows what everybody may see, and no more. */
export function seenByAll(host: HTMLElement): boolean {
  return host.dataset.public !== undefined && host.dataset.public !== "false";
}

/** Where a map's layers are told. */
export function layersAddress(host: HTMLElement): string {
  return withQuery(host.dataset.layersUrl || "/map/layers.json", { public: seenByAll(host) ? "1" : "" });
}

/** An address with more in its query; empty values are left out. */
export function withQuery(address: string, values: Record<string, string | undefined>): string {
  const whole = new URL(address, location.origin);
  for (const [name, value] of Object.entries(values)) if (value) whole.searchParams.set(name, value);
  return whole.pathname + whole.search;
}
