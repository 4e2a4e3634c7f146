// Registers the worker that keeps the last warnings, and says when there is no network.
"use strict";
(() => {
  const note = document.getElementById("no-network");
  const show = () => { if (note) note.hidden = navigator.onLine; };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const language = document.documentElement.lang.toLowerCase();
  const start = async () => {
    for (const scope of ["/portal/", "/offline/"]) {
      const found = await navigator.serviceWorker.register("/portal/worker.js", { scope });
      const worker = found.active || found.waiting || found.installing;
      if (worker) worker.postMessage({ language });
    }
  };
  addEventListener("load", () => start().catch(() => { /* the page works without it */ }));
})();
