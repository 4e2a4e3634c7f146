/** The card of a thing on the map, and the list of what is in view for those who do not click. */
import type { Map as Drawing, MapGeoJSONFeature, PointLike } from "maplibre-gl";
import { ask, type Card, withQuery } from "./contract.ts";
import { button, make } from "./dom.ts";
import type { DrawnLayers } from "./drawn.ts";
import { word } from "./words.ts";

const MOST_LISTED = 60;
const REACH_PX = 5;

export interface Thing { layer: string; id: string; title: string; state: string; isExercise: boolean; feature: MapGeoJSONFeature }

/** What lies at a point or in all of the view, each thing once, what is drawn last first. */
export function thingsAt(map: Drawing, drawn: DrawnLayers, point?: { x: number; y: number }): Thing[] {
  const layers = drawn.withCards();
  if (!layers.length) return [];
  const box: [PointLike, PointLike] | undefined = point && [[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]];
  const found = box ? map.queryRenderedFeatures(box, { layers }) : map.queryRenderedFeatures({ layers });
  const things = new Map<string, Thing>();
  for (const feature of found) {
    const thing = thingOf(feature, drawn);
    if (thing && !things.has(`${thing.layer}/${thing.id}`)) things.set(`${thing.layer}/${thing.id}`, thing);
  }
  return [...things.values()];
}

function thingOf(feature: MapGeoJSONFeature, drawn: DrawnLayers): Thing | undefined {
  const layer = drawn.owner(feature.layer.id);
  const facts = feature.properties as Record<string, unknown>;
  const id = layer?.kind === "live" ? (facts.id ?? feature.id) : (feature.id ?? facts.id);
  if (!layer || id === undefined || id === null) return undefined;
  const title = String(facts.title || facts.name || `${layer.label} ${facts.number ?? id}`);
  return { layer: layer.key, id: String(id), title, state: String(facts.state ?? ""), isExercise: Boolean(facts.exercise), feature };
}

/** Fill a panel with the card of a thing. */
export async function fillCard(body: HTMLElement, thing: Thing, drawn: DrawnLayers): Promise<void> {
  const address = drawn.layers.card.replace("{layer}", encodeURIComponent(thing.layer)).replace("{id}", encodeURIComponent(thing.id));
  const waiting = make("p", { role: "status" }, word("asking"));
  body.append(waiting);
  try {
    const query = { at: drawn.asked.at, public: drawn.asked.isPublic ? "1" : "" };
    waiting.replaceWith(cardOf(await ask<Card>(withQuery(address, query)), thing));
  } catch (error) {
    waiting.textContent = (error as Error).message;
  }
}

function cardOf(card: Card, thing: Thing): HTMLElement {
  const made = make("div", { class: "map-card" });
  if (thing.isExercise) made.append(make("p", { class: "map-exercise" }, word("exercise")));
  made.append(make("p", { class: "map-card-title" }, card.title));
  if (card.state) made.append(make("p", {}, make("span", { class: "state" }, card.state)));
  if (card.facts.length) {
    made.append(make("dl", { class: "pairs" }, ...card.facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))])));
  }
  if (card.note) made.append(make("p", { class: "map-note" }, card.note));
  if (card.url) made.append(make("p", {}, make("a", { href: card.url, class: "button" }, card.url_label || word("read-on"))));
  return made;
}

/** Fill a panel with everything in view that has a card; live things first, then what is drawn above. */
export function fillList(body: HTMLElement, things: Thing[], drawn: DrawnLayers, chosen: (thing: Thing) => void): void {
  const keys = drawn.layers.layers.map((layer) => layer.key);
  const rank = (thing: Thing) => keys.indexOf(thing.layer) + (drawn.layer(thing.layer)?.kind === "live" ? keys.length : 0);
  const sorted = [...things].sort((one, other) => rank(other) - rank(one) || one.title.localeCompare(other.title));
  if (!sorted.length) body.append(make("p", {}, word("nothing-in-view")));
  const groups = new Map<string, Thing[]>();
  for (const thing of sorted.slice(0, MOST_LISTED)) groups.set(thing.layer, [...(groups.get(thing.layer) ?? []), thing]);
  for (const [layer, inside] of groups) {
    body.append(make("h3", {}, drawn.layer(layer)?.label ?? layer));
    body.append(make("ul", { class: "map-things" }, ...inside.map((thing) => make("li", {},
      button(thing.title, () => chosen(thing), { class: "plain", "data-key": `${thing.layer}/${thing.id}` }))))); 
  }
  if (sorted.length > MOST_LISTED) body.append(make("p", {}, word("more-in-view", { count: sorted.length - MOST_LISTED })));
}
