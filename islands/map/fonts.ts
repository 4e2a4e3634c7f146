/** Letters of the map: drawn in the browser from fonts of its own machine, else from the page's slices; never fetched elsewhere. */
import type { StyleSpecification } from "maplibre-gl";
import { drawsChinese } from "../fonts/local.ts";

export const REGULAR = ["Cityloom Map", "system-ui", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];
export const BOLD = ["Cityloom Map Bold", ...REGULAR.slice(1)];

type Faces = NonNullable<StyleSpecification["font-faces"]>;

/** The font's slices, where the machine draws a common Chinese character as it draws one that is in no font. */
export async function fontFaces(): Promise<Faces | undefined> {
  if (drawsChinese(REGULAR.slice(1).join(", "))) return undefined;
  const { default: slices } = await import("virtual:font-slices");
  const declared = slices.map(([address, ranges]) => ({
    url: new URL(address, location.href).href, "unicode-range": ranges.split(","),
  }));
  const chinese = declared.filter((face) => !face["unicode-range"].some((range) => /^U\+0/i.test(range)));
  return { [REGULAR[0] as string]: chinese, [BOLD[0] as string]: chinese } as Faces;
}
