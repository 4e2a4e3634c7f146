/** The search box: places, things and ids; arrows and Enter choose, Escape empties the list. */
import { ask, type Found, type Hit, withQuery } from "./contract.ts";
import { calm, freshId, make } from "./dom.ts";
import { typedPlace } from "./geometry.ts";
import { word } from "./words.ts";

export function searchBox(address: string, isPublic: boolean, chosen: (hit: Hit) => void): HTMLElement {
  const [inputId, listId] = [freshId(), freshId()];
  const input = make("input", {
    type: "search", id: inputId, role: "combobox", autocomplete: "off", spellcheck: "false", maxlength: "120",
    "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list", placeholder: word("search-hint"),
    "aria-label": word("search"),
  });
  const list = make("ul", { id: listId, role: "listbox", "aria-label": word("search"), class: "map-hits", hidden: true });
  const said = make("p", { role: "status", class: "map-hidden" });
  let hits: Hit[] = [];
  let at = -1;
  let asking: AbortController | undefined;

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (hit: Hit | undefined) => {
    if (!hit) return;
    close();
    input.value = hit.title;
    chosen(hit);
  };
  const move = (step: number) => {
    if (!hits.length || list.hidden) return;
    at = (at + step + hits.length) % hits.length;
    const options = list.querySelectorAll("[role=option]");
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    const option = options[at] as HTMLElement;
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };
  const show = (groups: Found["groups"], sentence: string) => {
    hits = groups.flatMap((group) => group.hits);
    at = -1;
    list.replaceChildren(...groups.filter((group) => group.hits.length).map((group) => groupOf(group, choose)));
    if (!hits.length) list.append(make("li", { class: "map-none", role: "option", "aria-disabled": "true" }, sentence));
    said.textContent = sentence;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const search = async (text: string) => {
    asking?.abort();
    if (!text) return close();
    const place = typedPlace(text);
    if (place) return show([{ key: "place", label: word("coordinates"), hits: [{ title: text, place }] }], "");
    asking = new AbortController();
    const mine = asking;
    try {
      const found = await ask<Found>(withQuery(address, { q: text, public: isPublic ? "1" : "" }), mine.signal);
      const count = found.groups.reduce((sum, group) => sum + group.hits.length, 0);
      show(found.groups, count ? word("found", { count }) : word("found-none", { text }));
    } catch (error) {
      if (!mine.signal.aborted) show([], (error as Error).message);
    }
  };
  const later = calm(160, (text: string) => void search(text));

  input.addEventListener("input", () => later(input.value.trim()));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") choose(hits[Math.max(at, 0)]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  return make("div", { class: "map-search", role: "search" }, input, list, said);
}

function groupOf(group: Found["groups"][number], choose: (hit: Hit) => void): HTMLElement {
  const title = make("li", { role: "presentation", class: "map-hits-title", id: freshId() }, group.label);
  const options = group.hits.map((hit) => {
    const option = make("li", { role: "option", id: freshId(), "aria-selected": "false" }, make("strong", {}, hit.title));
    if (hit.subtitle) option.append(make("span", {}, hit.subtitle));
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      choose(hit);
    });
    return option;
  });
  const inside = make("ul", { role: "group", "aria-labelledby": title.id }, title, ...options);
  return make("li", { role: "presentation" }, inside);
}
