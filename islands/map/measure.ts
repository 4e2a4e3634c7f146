/** Distance and area, by click or with the middle of the map by keyboard. */
import type { GeoJSONSource, Map as Drawing } from "maplibre-gl";
import { button, make } from "./dom.ts";
import { length, type Place, surface } from "./geometry.ts";
import type { Theme } from "./theme.ts";
import { area, distance, word } from "./words.ts";

export class Measure {
  private places: Place[] = [];
  private readonly said = make("p", { class: "map-measured", role: "status" });
  isOn = false;

  constructor(private readonly map: Drawing, theme: Theme) {
    map.addSource("measure", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({ id: "measure-area", source: "measure", type: "fill", paint: { "fill-opacity": 0.15 } });
    map.addLayer({ id: "measure-line", source: "measure", type: "line", paint: { "line-width": 2.5, "line-dasharray": [2, 1.5] } });
    map.addLayer({ id: "measure-points", source: "measure", type: "circle", filter: ["==", ["geometry-type"], "Point"],
                   paint: { "circle-radius": 5, "circle-stroke-width": 2 } });
    const paint = () => {
      const colour = theme.colour("--map-measure");
      map.setPaintProperty("measure-area", "fill-color", colour);
      map.setPaintProperty("measure-line", "line-color", colour);
      map.setPaintProperty("measure-points", "circle-color", theme.colour("--map-halo"));
      map.setPaintProperty("measure-points", "circle-stroke-color", colour);
    };
    paint();
    theme.watch(paint);
  }

  fill(body: HTMLElement): void {
    this.isOn = true;
    this.map.getContainer().classList.add("map-aiming");
    body.append(
      make("p", {}, word("measure-how")), this.said,
      make("div", { class: "map-buttons" },
        button(word("add-middle"), () => this.point(this.map.getCenter().toArray()), { "data-key": "add" }),
        button(word("undo"), () => this.draw(this.places.slice(0, -1)), { "data-key": "undo" }),
        button(word("clear"), () => this.draw([]), { "data-key": "clear" })),
    );
    this.draw(this.places);
  }

  closed(): void {
    this.isOn = false;
    this.map.getContainer().classList.remove("map-aiming");
    this.draw([]);
  }

  point(place: Place): void {
    this.draw([...this.places, place]);
  }

  private draw(places: Place[]): void {
    this.places = places;
    const feature = (geometry: GeoJSON.Geometry): GeoJSON.Feature => ({ type: "Feature", properties: {}, geometry });
    const features = places.map((place) => feature({ type: "Point", coordinates: place }));
    if (places.length > 1) features.push(feature({ type: "LineString", coordinates: places }));
    if (places.length > 2) features.push(feature({ type: "Polygon", coordinates: [[...places, places[0] as Place]] }));
    this.map.getSource<GeoJSONSource>("measure")?.setData({ type: "FeatureCollection", features });
    const words = places.length < 2 ? [word("measure-none", { count: places.length })] : [`${word("distance")}: ${distance(length(places))}`];
    if (places.length > 2) words.push(`${word("area")}: ${area(surface(places))}`);
    this.said.textContent = words.join(" · ");
  }
}
