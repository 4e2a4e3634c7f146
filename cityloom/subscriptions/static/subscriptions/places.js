// Shows only the fields of the chosen kind of place, and offers warnings in this browser where it can show them.
"use strict";
(() => {
  const form = document.getElementById("places-form");
  if (!form) return;
  const parts = form.querySelectorAll("[data-kind]");
  const show = () => {
    const chosen = form.querySelector("input[name=kind]:checked");
    for (const part of parts) part.hidden = Boolean(chosen) && part.dataset.kind !== chosen.value;
    if (chosen && chosen.value === "point") loadMap();
  };
  const later = form.querySelector("template[data-map-later]");
  const loadMap = () => { // the map is ten times as heavy as the form: it comes when it is wanted
    for (const part of later ? [...later.content.children] : []) {
      const made = document.createElement(part.localName);
      for (const { name, value } of part.attributes) made.setAttribute(name, value);
      document.head.append(made);
      part.remove();
    }
  };
  form.addEventListener("change", show);
  show();

  const street = form.elements.street, list = document.getElementById("streets");
  let asked = "";
  street.addEventListener("input", async () => { // no more than two letters leave the browser; it looks among the answers itself
    const begin = [...street.value.trim()].slice(0, 2).join("").toLowerCase();
    if (!begin || begin === asked) return;
    asked = begin;
    try {
      const answer = await fetch(`${list.dataset.url}?begin=${encodeURIComponent(begin)}`);
      const { streets } = await answer.json();
      if (begin === asked) list.replaceChildren(...streets.map((name) => Object.assign(document.createElement("option"), { value: name })));
    } catch { asked = ""; } // without proposals one writes the street whole
  });

  const block = document.getElementById("by-push");
  const button = document.getElementById("push-button");
  const fault = document.getElementById("push-fault");
  if (!block || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  block.hidden = false;
  const say = (words) => { fault.textContent = words; fault.hidden = !words; };
  const encoded = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const decoded = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    say("");
    if (await Notification.requestPermission() !== "granted") return say(block.dataset.denied);
    button.disabled = true;
    try {
      const registration = await navigator.serviceWorker.register(block.dataset.worker, { scope: block.dataset.scope });
      await new Promise((ready) => {
        const worker = registration.active || registration.waiting || registration.installing;
        if (worker.state === "activated") ready();
        else worker.addEventListener("statechange", () => { if (worker.state === "activated") ready(); });
      });
      const made = await registration.pushManager.subscribe({
        userVisibleOnly: true, applicationServerKey: decoded(block.dataset.key),
      });
      form.elements.endpoint.value = made.endpoint;
      form.elements.p256dh.value = encoded(made.getKey("p256dh"));
      form.elements.auth.value = encoded(made.getKey("auth"));
      const way = document.createElement("input");
      Object.assign(way, { type: "hidden", name: "way", value: "push" });
      form.append(way);
      form.noValidate = true;
      form.submit();
    } catch { button.disabled = false; say(block.dataset.failed); }
  });
})();
