/** Choose a place for a form: by click, by dragging the pin, or the middle of the map by keyboard. */
import { type Map as Drawing, Marker } from "maplibre-gl";
import { button, make } from "./dom.ts";
import { type Place, typedPlace } from "./geometry.ts";
import { word } from "./words.ts";

export class Pick {
  private readonly pin: Marker;
  readonly bar = make("div", { class: "map-pick" });
  private readonly said = make("p", { role: "status", class: "map-pick-said" }, word("pick-how"));

  constructor(private readonly map: Drawing, private readonly input: HTMLInputElement) {
    this.pin = new Marker({ draggable: true, color: getComputedStyle(map.getContainer()).getPropertyValue("--map-pick") || "#9b1c12" });
    this.pin.getElement().setAttribute("aria-hidden", "true");
    this.pin.getElement().setAttribute("tabindex", "-1");
    this.pin.on("dragend", () => this.set(this.pin.getLngLat().toArray()));
    this.bar.append(this.said, button(word("pick-middle"), () => this.set(map.getCenter().toArray())));
    input.addEventListener("change", () => this.follow());
    this.follow();
    map.getContainer().classList.add("map-aiming");
  }

  set(place: Place): void {
    const text = `${place[0].toFixed(6)},${place[1].toFixed(6)}`;
    this.pin.setLngLat(place).addTo(this.map);
    this.said.textContent = word("picked", { place: text });
    if (this.input.value === text) return;
    this.input.value = text;
    for (const type of ["input", "change"]) this.input.dispatchEvent(new Event(type, { bubbles: true }));
  }

  private follow(): void {
    const place = typedPlace(this.input.value);
    if (!place) {
      this.pin.remove();
      this.said.textContent = word("pick-how");
      return;
    }
    this.set(place);
    if (!this.map.getBounds().contains(place)) this.map.jumpTo({ center: place, zoom: Math.max(this.map.getZoom(), 16) });
  }
}
