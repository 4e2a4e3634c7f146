/** The list of layers: on and off, what the colours of those in sight mean, and why a layer may not be seen. */
import type { Layer, LegendItem } from "./contract.ts";
import { freshId, make } from "./dom.ts";
import type { DrawnLayers } from "./drawn.ts";
import { word } from "./words.ts";

export function fillLegend(body: HTMLElement, drawn: DrawnLayers, zoom: number, turned: () => void): void {
  for (const section of [...drawn.layers.sections].reverse()) {
    const layers = drawn.layers.layers.filter((layer) => layer.section === section.key).reverse();
    if (!layers.length) continue;
    const group = make("fieldset", { class: "map-layers" }, make("legend", {}, section.label));
    group.append(...layers.map((layer) => row(layer, drawn, zoom, turned)));
    body.append(group);
  }
}

function row(layer: Layer, drawn: DrawnLayers, zoom: number, turned: () => void): HTMLElement {
  const id = freshId();
  const box = make("input", { type: "checkbox", id, "data-key": layer.key, disabled: Boolean(layer.why_not) });
  box.checked = drawn.isOn(layer.key);
  box.addEventListener("change", () => {
    drawn.turn(layer.key, box.checked);
    turned();
  });
  const made = make("div", { class: "map-layer" }, box, make("label", { for: id }, layer.label));
  const why = layer.why_not || (zoom < (layer.minzoom ?? 0) ? word("zoom-in-to-see") : "");
  if (why) {
    const note = make("p", { class: "map-why", id: `${id}-why` }, why);
    box.setAttribute("aria-describedby", note.id);
    made.append(note);
  } else if (layer.legend?.length && drawn.isSeen(layer.key)) {
    made.append(make("ul", { class: "map-legend" }, ...layer.legend.map(item)));
  }
  return made;
}

function item(legend: LegendItem): HTMLElement {
  const swatch = make("span", { class: `map-swatch map-swatch-${legend.shape ?? "area"}`, "aria-hidden": "true" });
  if (legend.swatch.startsWith("--")) swatch.style.setProperty("--swatch", `var(${legend.swatch})`);
  else swatch.classList.add(legend.swatch);
  return make("li", {}, swatch, legend.label);
}
