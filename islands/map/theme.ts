/** Colours of the map are the page's: a token (`--map-water`) in a style becomes the colour it has now. */

/** The colours in force; asked of a probe, so that a token may name another token. */
export class Theme {
  private readonly probe: HTMLElement;
  private known = new Map<string, string>();
  private readonly watchers: (() => void)[] = [];

  constructor(within: HTMLElement) {
    this.probe = document.createElement("span");
    this.probe.hidden = true;
    within.append(this.probe);
    const changed = () => this.change();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
    new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
  }

  colour(token: string): string {
    let found = this.known.get(token);
    if (found === undefined) {
      this.probe.style.color = "";
      this.probe.style.color = `var(${token}, #888888)`;
      found = getComputedStyle(this.probe).color || "#888888";
      this.known.set(token, found);
    }
    return found;
  }

  /** The same value with every token replaced, however deep. */
  paint<T>(value: T): T {
    if (typeof value === "string") return (value.startsWith("--") ? this.colour(value) : value) as T;
    if (Array.isArray(value)) return value.map((part) => this.paint(part)) as T;
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, this.paint(part)])) as T;
    }
    return value;
  }

  /** Act whenever the colours have changed. */
  watch(act: () => void): void {
    this.watchers.push(act);
  }

  private change(): void {
    this.known.clear();
    for (const act of this.watchers) act();
  }
}
