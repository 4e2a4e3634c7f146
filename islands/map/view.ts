/** What a shared address says about the map: `#map=15.2/22.61/114.05&layers=roads,incidents&at=2026-11-26T14:07:00Z`. */
export interface View {
  zoom?: number;
  centre?: [lon: number, lat: number];
  layers?: Set<string>;
  at?: string;
}

export function readView(hash: string): View {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const view: View = {};
  const [zoom, lat, lon] = (said.get("map") ?? "").split("/").map(Number);
  if ([zoom, lat, lon].every((number) => Number.isFinite(number)) && Math.abs(lat as number) <= 85 && Math.abs(lon as number) <= 180) {
    view.zoom = Math.min(Math.max(zoom as number, 0), 22);
    view.centre = [lon as number, lat as number];
  }
  const layers = said.get("layers");
  if (layers !== null) view.layers = new Set(layers.split(",").filter(Boolean));
  const at = said.get("at") ?? "";
  if (at && !Number.isNaN(Date.parse(at))) view.at = new Date(at).toISOString();
  return view;
}

export function writeView(view: View): string {
  const parts: string[] = [];
  if (view.centre && view.zoom !== undefined) {
    parts.push(`map=${view.zoom.toFixed(2)}/${view.centre[1].toFixed(5)}/${view.centre[0].toFixed(5)}`);
  }
  if (view.layers) parts.push(`layers=${[...view.layers].map(encodeURIComponent).join(",")}`);
  if (view.at) parts.push(`at=${view.at}`);
  return `#${parts.join("&")}`;
}
