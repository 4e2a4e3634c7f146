/** Lengths and areas on the sphere, good to about half a percent. */
export type Place = [lon: number, lat: number];

const RADIUS_M = 6_371_008.8; // mean radius of the WGS 84 ellipsoid
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Metres along a line of places. */
export function length(places: Place[]): number {
  return places.slice(1).reduce((sum, place, at) => sum + between(places[at] as Place, place), 0);
}

/** Square metres inside a ring of places, closed or not. */
export function surface(ring: Place[]): number {
  if (ring.length < 3) return 0;
  const sum = ring.reduce((total, [lon, lat], at) => {
    const [nextLon, nextLat] = ring[(at + 1) % ring.length] as Place;
    return total + radians(nextLon - lon) * (2 + Math.sin(radians(lat)) + Math.sin(radians(nextLat)));
  }, 0);
  return Math.abs((sum * RADIUS_M * RADIUS_M) / 2);
}

/** Two numbers that someone typed, as a place; longitude first unless that is impossible. */
export function typedPlace(text: string): Place | null {
  const numbers = /^\s*(-?\d{1,3}(?:\.\d+)?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text);
  if (!numbers) return null;
  const [one, other] = [Number(numbers[1]), Number(numbers[2])];
  const place: Place = Math.abs(other) > 90 ? [other, one] : [one, other];
  return Math.abs(place[0]) <= 180 && Math.abs(place[1]) <= 90 ? place : null;
}

function between([lon1, lat1]: Place, [lon2, lat2]: Place): number {
  const half = (from: number, to: number) => Math.sin(radians(to - from) / 2) ** 2;
  const chord = half(lat1, lat2) + Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * half(lon1, lon2);
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord)));
}
