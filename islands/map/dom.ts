/** Make an element; what is text stays text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K, facts: Record<string, string | boolean | undefined> = {}, ...inside: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (value === true) made.setAttribute(key, "");
    else if (typeof value === "string") made.setAttribute(key, value);
  }
  made.append(...inside);
  return made;
}

/** A button that does something. */
export function button(label: string, act: (event: Event) => void, facts: Record<string, string | boolean> = {}): HTMLButtonElement {
  const made = make("button", { type: "button", ...facts }, label);
  made.addEventListener("click", act);
  return made;
}

let made = 0;

/** An id that nothing else on the page has. */
export function freshId(): string {
  made += 1;
  return `map-${made}`;
}

/** Wait until nothing was asked for `pause` milliseconds, then act once. */
export function calm<A extends unknown[]>(pause: number, act: (...given: A) => void): (...given: A) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), pause);
  };
}
