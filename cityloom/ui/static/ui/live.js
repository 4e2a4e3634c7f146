// Hear what happens in the city, tell the parts of the page, and read again those that it changes.
// Everything works without this file: a page is complete when it arrives, and a reload shows what is new.
//
// The page says: <body data-live="ADDRESS" data-live-after="POSITION">, and
//   <section data-live-fragment="/?fragment=incidents" data-live-types="IncidentOpened IncidentClosed">
//     data-live-types: names of events, or * ; data-live-incident: of this incident only
//     data-live-together: the same address tells several parts at once (?fragment=a,b answers {"a": TEXT, "b": TEXT})
//     data-live-patience: milliseconds that the part may wait, so that what is more urgent is read before it
//     data-live-every: seconds after which it is read again in any case, for what changes without an event
//     data-live-label: what to call the part when it has changed, for those who do not see it
//   inside of it, an element with an id and data-live-keep stays as it is (a map), and so does a form that is being
//   filled in. Scripts listen to `cityloom:event` (detail: type, name, time, exercise, incident; type "reset" when
//   something was missed) and `cityloom:state` on document, and to `cityloom:refreshed` on a part.

const base = document.body.dataset.live;
const shown = document.getElementById("live-state");
const says = document.getElementById("live-says");
const news = document.getElementById("news");

const SILENT_MS = 25_000; // the server speaks each 10 s
const HIDDEN_MS = 20_000; // a window that nobody sees gives its line back
const FIRST_MS = 25, BETWEEN_MS = 300; // a burst of events is one question
const SOON_MS = 150; // parts that are due so soon come along in one question
const POLL_MS = 30_000; // where there is no room on the line

// --- the city's time, whatever this device's clock says

let offset = 0;
const now = () => new Date(Date.now() + offset);
const clock = document.getElementById("live-clock");
const format = clock && new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: clock.dataset.zone || "UTC",
});

function setClock(text) {
  offset = Date.parse(text) - Date.now();
  if (Math.abs(offset) < 2_000) offset = 0;
  showClock();
}

function showClock() {
  if (clock && !clock.hidden) clock.textContent = format.format(now());
}

// --- the line

let source = null, last = document.body.dataset.liveAfter || "", heard = 0, wait = 1_000, state = "", retry = 0, hiding = 0;

function setState(name) {
  if (name === state) return;
  state = name;
  document.body.dataset.liveState = name;
  if (shown) {
    shown.hidden = false;
    for (const part of shown.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== name;
  }
  if (clock) { clock.hidden = name !== "live"; showClock(); }
  document.dispatchEvent(new CustomEvent("cityloom:state", { detail: { state: name } }));
}

function open() {
  close();
  source = new EventSource(`${base}/events/${last ? `?after=${last}` : ""}`, { withCredentials: true });
  heard = performance.now();
  source.addEventListener("hello", () => { heard = performance.now(); wait = 1_000; setState("live"); });
  source.addEventListener("time", (word) => { heard = performance.now(); setClock(JSON.parse(word.data).now); });
  source.addEventListener("signed-out", stop);
  source.addEventListener("reset", (word) => { note(word); tell({ type: "reset", name: "reset" }); });
  source.addEventListener("message", (word) => { note(word); tell(JSON.parse(word.data)); });
  source.addEventListener("error", () => { source?.readyState === EventSource.CLOSED ? askWhy() : setState("dropped"); });
}

function note(word) {
  heard = performance.now();
  if (word.lastEventId) last = word.lastEventId;
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function stop() {
  close();
  setState("stopped");
}

async function askWhy() { // a browser tells a script that a line was refused, and not why
  close();
  let status = 0;
  try {
    status = (await fetch(`${base}/events/state/`, { credentials: "include" })).status;
  } catch { /* nobody answers */ }
  if (status === 401 || status === 403) return stop();
  setState(status === 429 || status === 503 ? "full" : "dropped");
  wait = Math.min(wait * 2, 30_000);
  retry = setTimeout(open, wait / 2 + Math.random() * wait / 2);
}

function watch() {
  showClock();
  for (const part of document.querySelectorAll("[data-live-every]"))
    if (performance.now() - (started.get(part) ?? 0) > part.dataset.liveEvery * 1_000 && state === "live") refreshSoon(part);
  if (source && performance.now() - heard > SILENT_MS) { setState("dropped"); open(); }
}

function seen() {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => { if (state !== "stopped") close(); }, HIDDEN_MS);
    return;
  }
  if (!source && state !== "stopped") open();
  for (const part of parts()) if (part.dataset.liveStale) refreshSoon(part);
}

// --- the parts of the page

const list = new Intl.ListFormat(document.documentElement.lang || undefined);
const timers = new WeakMap(), started = new WeakMap(), texts = new WeakMap();
const parts = () => document.querySelectorAll("[data-live-fragment]");

function tell(event) {
  document.dispatchEvent(new CustomEvent("cityloom:event", { detail: event }));
  const all = [...parts()];
  for (const part of all) if (concerns(part, event)) refreshSoon(part);
  const page = document.querySelector("[data-incident]");
  if (!all.length && page && event.incident === page.dataset.incident) showNews();
}

function concerns(part, event) {
  const { liveTypes = "*", liveIncident } = part.dataset;
  if (event.type === "reset") return true;
  if (liveIncident && event.incident !== liveIncident) return false;
  const types = liveTypes.split(/\s+/);
  return types.includes("*") || types.includes(event.name) || types.includes(event.type);
}

function refreshSoon(part) {
  part.dataset.liveStale = "1";
  if (document.hidden || timers.has(part)) return;
  const since = performance.now() - (started.get(part) ?? -BETWEEN_MS);
  const wait = Math.max(part.dataset.livePatience ?? FIRST_MS, BETWEEN_MS - since);
  timers.set(part, { due: performance.now() + wait, number: setTimeout(refresh, wait, part) });
}

async function refresh(first) {
  const together = [first, ...companions(first)];
  for (const part of together) {
    clearTimeout(timers.get(part).number);
    timers.set(part, { due: Infinity }); // being asked for
    started.set(part, performance.now());
    delete part.dataset.liveStale;
  }
  let found = [];
  try {
    found = await ask(together);
  } catch { /* the next event tries again; what is shown stays */ }
  const changed = together.filter((part, at) => show(part, found[at] ?? null) && part.dataset.liveLabel);
  if (says && changed.length) says.textContent = `${says.dataset.updated} ${list.format(changed.map((part) => part.dataset.liveLabel))}`;
}

function companions(first) {
  if (first.dataset.liveTogether === undefined) return [];
  const { pathname } = addressOf(first), soon = performance.now() + SOON_MS;
  return [...parts()].filter((part) => part !== first && part.dataset.liveTogether !== undefined
    && timers.get(part)?.due <= soon && addressOf(part).pathname === pathname);
}

const addressOf = (part) => new URL(part.dataset.liveFragment, location.href);

async function ask(together) {
  const addresses = together.map(addressOf), names = addresses.map((one) => one.searchParams.get("fragment"));
  const [address, ...others] = addresses;
  for (const other of others) for (const [name, value] of other.searchParams) address.searchParams.set(name, value);
  if (others.length) address.searchParams.set("fragment", names.join(","));
  const answer = await fetch(address, { headers: { "X-Requested-With": "fragment" } });
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/sign-in")) stop();
  else if (answer.ok && !others.length) return [await answer.text()];
  else if (answer.ok) {
    const found = await answer.json();
    return names.map((name) => found[name]);
  }
  return [];
}

function show(part, text) { // whether it has changed
  timers.delete(part);
  const isNew = text !== null && text !== texts.get(part);
  if (text === null) part.dataset.liveStale = "1";
  if (isNew) texts.set(part, text);
  const isShown = isNew && replace(part, text);
  if (part.dataset.liveStale && state === "live" && text !== null) refreshSoon(part);
  return isShown;
}

function replace(part, text) {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  const kept = [...part.querySelectorAll("[data-live-keep][id]"), ...[...part.querySelectorAll("form")].filter(isTyped)];
  const places = kept.map((old) => placeOf(old, fresh.content));
  if (places.some((place) => !place)) { // somebody writes in what is no longer there
    showNews();
    return false;
  }
  const opened = [...part.querySelectorAll("details")].map((one, at) => [keyOf(one, at), one.open]);
  const focus = part.contains(document.activeElement) ? document.activeElement : null;
  const isKept = focus && kept.some((one) => one.contains(focus));
  const [choice, caret] = focus ? [selectorOf(focus), [focus.selectionStart, focus.selectionEnd]] : ["", []];
  const scrolled = [...part.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
  places.forEach((place, at) => place.replaceWith(kept[at]));
  const states = new Map(opened);
  [...fresh.content.querySelectorAll("details")].forEach((one, at) => {
    if (states.has(keyOf(one, at))) one.open = states.get(keyOf(one, at));
  });
  part.replaceChildren(fresh.content);
  [...part.querySelectorAll(".scroll")].forEach((one, at) => scrolled[at] && one.scrollTo(...scrolled[at]));
  const again = isKept ? focus : choice && part.querySelector(choice);
  if (again) {
    again.focus({ preventScroll: true });
    if (isKept && caret[0] != null) try { again.setSelectionRange(...caret); } catch { /* not a field of text */ }
  }
  part.dispatchEvent(new CustomEvent("cityloom:refreshed", { bubbles: true }));
  return true;
}

const isTyped = (form) => [...form.elements].some((one) =>
  one.type === "hidden" || one.type === "submit" || one.tagName === "BUTTON" || one.tagName === "FIELDSET" ? false
    : one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked
      : one.tagName === "SELECT" ? [...one.options].some((option) => option.selected !== option.defaultSelected)
        && one.selectedIndex > 0
        : "defaultValue" in one && one.value !== one.defaultValue);

const placeOf = (old, fresh) => old.id ? fresh.querySelector(`#${CSS.escape(old.id)}`)
  : fresh.querySelector(`form[action="${CSS.escape(old.getAttribute("action") || "")}"]`);

const keyOf = (details, at) => details.id || `${at} ${details.querySelector("summary")?.textContent.trim()}`;

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const name = element.tagName.toLowerCase();
  for (const mark of ["name", "href", "data-key"])
    if (element.getAttribute(mark)) return `${name}[${mark}="${CSS.escape(element.getAttribute(mark))}"]`;
  return name === "summary" && element.parentElement.id ? `#${CSS.escape(element.parentElement.id)} > summary` : "";
}

function showNews() {
  if (!news) return;
  news.querySelector("span").textContent = news.dataset.words;
  news.hidden = false;
}

window.cityloom = { now, state: () => state };

if (base) {
  for (const part of parts()) texts.set(part, null);
  open();
  setInterval(watch, 1_000);
  setInterval(() => { if (state === "full" && !document.hidden) for (const part of parts()) refreshSoon(part); }, POLL_MS);
  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted && state !== "stopped") open(); });
}
