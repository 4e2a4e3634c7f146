/** The bar above the map and the one panel beside it: a button opens its panel, Escape closes it and gives the focus back. */
import { button, freshId, make } from "./dom.ts";
import { word } from "./words.ts";

export interface Panel {
  key: string;
  /** Fill the panel; called each time it opens. */
  fill: (body: HTMLElement) => void;
  closed?: () => void;
}

export class Panels {
  readonly bar = make("div", { class: "map-bar" });
  readonly side = make("section", { class: "map-side", hidden: true });
  private readonly body = make("div", { class: "map-side-body" });
  private readonly heading = make("h2", { tabindex: "-1", id: freshId() });
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly panels = new Map<string, Panel>();
  private opener: HTMLElement | null = null;
  private open_ = "";

  constructor() {
    this.side.setAttribute("aria-labelledby", this.heading.id);
    const close = button("×", () => this.close(), { class: "plain map-close", "aria-label": word("close") });
    this.side.append(make("div", { class: "map-side-head" }, this.heading, close), this.body);
    this.side.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  get current(): string {
    return this.open_;
  }

  /** Add a panel with a button of its own. */
  add(panel: Panel, hasButton = true): void {
    this.panels.set(panel.key, panel);
    if (!hasButton) return;
    const opener = button(word(panel.key), () => (this.open_ === panel.key ? this.close() : this.open(panel.key)), {
      class: "map-tool", "aria-expanded": "false", "data-tool": panel.key,
    });
    this.buttons.set(panel.key, opener);
    this.bar.append(opener);
  }

  /** Open a panel; `quietly` leaves the focus where it is. */
  open(key: string, title = word(key), quietly = false): void {
    const panel = this.panels.get(key);
    if (!panel) return;
    if (this.open_ && this.open_ !== key) this.left();
    if (!quietly && !this.side.contains(document.activeElement)) this.opener = document.activeElement as HTMLElement | null;
    this.open_ = key;
    this.mark();
    this.heading.textContent = title;
    this.body.replaceChildren();
    panel.fill(this.body);
    this.side.hidden = false;
    this.side.dataset.panel = key;
    if (!quietly) this.heading.focus({ preventScroll: true });
  }

  /** Fill the panel that is open anew, where it is this one. */
  refill(key: string): void {
    if (this.open_ !== key) return;
    const focused = this.body.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.key : undefined;
    this.body.replaceChildren();
    this.panels.get(key)?.fill(this.body);
    if (focused) this.body.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  close(): void {
    if (!this.open_) return;
    const opener = this.buttons.get(this.open_) ?? this.opener;
    const had = this.side.contains(document.activeElement);
    this.left();
    this.open_ = "";
    this.mark();
    this.side.hidden = true;
    if (had) (opener?.isConnected ? opener : this.bar.querySelector("button"))?.focus();
  }

  private left(): void {
    this.panels.get(this.open_)?.closed?.();
  }

  private mark(): void {
    for (const [key, opener] of this.buttons) opener.setAttribute("aria-expanded", String(key === this.open_));
  }
}
