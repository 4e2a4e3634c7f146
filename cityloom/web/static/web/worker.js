// Keeps one page, the warnings of the last days, and the files that it is made of; nothing else is ever stored.
// KEPT (version, page, files) stands above this line.
"use strict";
const NAME = `cityloom-portal-${KEPT.version}`;
const AGAIN_AFTER_MS = 60000;
const TRIES_AFTER_MS = [500, 2000, 8000];
let language = "", refreshed = 0;

// Without cookies: what is kept is what a stranger would see.
async function stranger(address) {
  const answer = await fetch(address, { credentials: "omit", cache: "no-cache", redirect: "error" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer;
}

async function refresh(force) {
  if (!force && Date.now() - refreshed < AGAIN_AFTER_MS) return;
  refreshed = Date.now();
  for (const wait of [0, ...TRIES_AFTER_MS]) {
    if (wait) await new Promise((go) => setTimeout(go, wait));
    if (await took()) return;
  }
  refreshed = 0; // what was kept before stays
}

async function took() {
  try {
    const answer = await stranger(language ? `${KEPT.page}?language=${language}` : KEPT.page);
    await (await caches.open(NAME)).put(KEPT.page, answer);
    return true;
  } catch { return false; }
}

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const cache = await caches.open(NAME);
  await Promise.all(KEPT.files.map(async (file) => cache.put(file, await stranger(file))));
  await refresh(true);
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const names = (await caches.keys()).filter((name) => name.startsWith("cityloom-portal-") && name !== NAME);
  await Promise.all(names.map((name) => caches.delete(name)));
  await self.clients.claim();
})()));

self.addEventListener("message", (event) => {
  const said = event.data && event.data.language;
  if (said !== "en" && said !== "zh-hans") return;
  const changed = said !== language;
  language = said;
  // a page that was on its way while the worker began is nobody's yet; a worker that is only being installed has no pages
  event.waitUntil(Promise.all([self.clients.claim().catch(() => {}), refresh(changed)]));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const path = new URL(request.url).pathname;
  const isOurs = new URL(request.url).origin === self.location.origin;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(async () => (await kept(KEPT.page)) || Response.error()));
  else if (isOurs && KEPT.files.includes(path)) event.respondWith(fetch(request).catch(async () => (await kept(path)) || Response.error()));
});

const kept = async (path) => (await caches.open(NAME)).match(path);
