// Shows a warning that came by push, and opens its page. Also for importScripts by another worker.
"use strict";
self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data ? event.data.json() : {}; } catch { /* not ours: shown without words */ }
  const title = typeof said.title === "string" && said.title ? said.title : "Cityloom";
  event.waitUntil(self.registration.showNotification(title, {
    body: String(said.body || ""), lang: String(said.lang || ""), tag: String(said.tag || title), renotify: true,
    requireInteraction: true, icon: "/static/web/icon-192.png", data: { url: String(said.url || "/alerts/") },
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const asked = new URL((event.notification.data || {}).url || "/alerts/", self.location.origin);
  const url = asked.origin === self.location.origin ? asked.href : new URL("/alerts/", self.location.origin).href;
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const there = open.find((client) => client.url === url);
    return there ? there.focus() : self.clients.openWindow(url);
  })());
});
