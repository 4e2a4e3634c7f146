/** An address that shows the same view to whoever may see it. */
import { button, freshId, make } from "./dom.ts";
import { word } from "./words.ts";

export function fillShare(body: HTMLElement, address: string): void {
  const id = freshId();
  const field = make("input", { id, readonly: true, type: "url", "data-key": "address" });
  field.value = address;
  field.addEventListener("focus", () => field.select());
  const said = make("p", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = word("copied");
    } catch {
      field.focus();
      said.textContent = word("copy-by-hand");
    }
  };
  body.append(make("p", {}, word("share-how")), make("label", { for: id }, word("address")), field,
              make("div", { class: "map-buttons" }, button(word("copy"), () => void copy(), { "data-key": "copy" })), said);
}
