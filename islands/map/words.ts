/** The words of the page, in the reader's language; `#map-words` holds them as JSON. */
let words: Record<string, string> = {};

export function readWords(): void {
  const holder = document.getElementById("map-words");
  if (holder?.textContent) words = JSON.parse(holder.textContent) as Record<string, string>;
}

/** A word or a sentence, with `{name}` replaced; the key itself where the page has none. */
export function word(key: string, values: Record<string, string | number> = {}): string {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** What MapLibre itself says. */
export function libraryWords(): Record<string, string> {
  const names = {
    "Map.Title": "title", "NavigationControl.ZoomIn": "zoom-in", "NavigationControl.ZoomOut": "zoom-out",
    "NavigationControl.ResetBearing": "reset-bearing", "AttributionControl.ToggleAttribution": "attribution",
    "ScaleControl.Meters": "metres", "ScaleControl.Kilometers": "kilometres", "Marker.Title": "marker",
  };
  return Object.fromEntries(Object.entries(names).map(([theirs, ours]) => [theirs, word(ours)]));
}

/** A number as the reader writes it. */
export function figure(value: number, digits = 0): string {
  return new Intl.NumberFormat(document.documentElement.lang || "en", { maximumFractionDigits: digits }).format(value);
}

/** Metres or kilometres. */
export function distance(metres: number): string {
  return metres < 1000 ? `${figure(metres)} ${word("metres")}` : `${figure(metres / 1000, 2)} ${word("kilometres")}`;
}

/** Square metres, or square kilometres. */
export function area(squareMetres: number): string {
  const large = squareMetres >= 1e6;
  return `${figure(large ? squareMetres / 1e6 : squareMetres, large ? 2 : 0)} ${word(large ? "square-kilometres" : "square-metres")}`;
}

/** An instant as the reader writes it, in the city's time zone where the page names one. */
export function moment(iso: string): string {
  const zone = document.querySelector<HTMLElement>("[data-timezone]")?.dataset.timezone;
  const format: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium" };
  const language = document.documentElement.lang || "en";
  try {
    return new Intl.DateTimeFormat(language, zone ? { ...format, timeZone: zone } : format).format(new Date(iso));
  } catch {
    return iso;
  }
}
