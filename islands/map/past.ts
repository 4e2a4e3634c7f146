/** "As known then": the instant that the live layers are asked for, in the city's own time. */
import { button, freshId, make } from "./dom.ts";
import { moment, word } from "./words.ts";

const MINUTE_MS = 60_000;

export class Past {
  readonly banner = make("div", { class: "map-past", role: "status", hidden: true });

  constructor(private at: string, private readonly changed: (at: string) => void) {
    document.addEventListener("cityloom:at", (event) => this.set(String((event as CustomEvent<{ at?: string }>).detail?.at ?? "")));
    this.show();
  }

  set(at: string): void {
    const instant = Date.parse(at);
    const known = Number.isNaN(instant) || instant >= Date.now() ? "" : new Date(instant).toISOString();
    if (known === this.at) return;
    this.at = known;
    this.show();
    this.changed(known);
  }

  fill(body: HTMLElement): void {
    const id = freshId();
    const input = make("input", { type: "datetime-local", step: "1", id, "data-key": "at" });
    input.value = local(this.at || new Date().toISOString());
    input.addEventListener("change", () => this.set(instantOf(input.value)));
    const step = (minutes: number) => () => {
      this.set(new Date((this.at ? Date.parse(this.at) : Date.now()) + minutes * MINUTE_MS).toISOString());
      input.value = local(this.at || new Date().toISOString());
    };
    body.append(
      make("p", {}, word("past-how")), make("label", { for: id }, word("past-at")), input,
      make("div", { class: "map-buttons" },
        button(word("earlier"), step(-10), { "data-key": "earlier" }), button(word("later"), step(10), { "data-key": "later" }),
        button(word("now"), () => { this.set(""); input.value = local(new Date().toISOString()); }, { "data-key": "now" })),
    );
  }

  private show(): void {
    this.banner.hidden = !this.at;
    this.banner.replaceChildren(word("as-known", { time: moment(this.at) }), " ", button(word("back-to-now"), () => this.set(""), { class: "plain" }));
  }
}

function zone(): string | undefined {
  return document.querySelector<HTMLElement>("[data-timezone]")?.dataset.timezone;
}

/** An instant as `YYYY-MM-DDTHH:MM:SS` of the city's clocks. */
function local(iso: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone() });
  return format.format(new Date(iso)).replace(" ", "T");
}

/** The instant at which the city's clocks show this; the first of two where the clocks are put back. */
function instantOf(shown: string): string {
  const asUtc = Date.parse(`${shown}Z`);
  if (Number.isNaN(asUtc)) return "";
  const shift = Date.parse(`${local(new Date(asUtc).toISOString())}Z`) - asUtc;
  return new Date(asUtc - shift).toISOString();
}
