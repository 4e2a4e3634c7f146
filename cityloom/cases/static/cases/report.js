// What scripts add to the form of a report: where I am, and a word about photos before they are sent.
"use strict";
(() => {
  const here = document.getElementById("here"), place = document.getElementById("id_place");
  if (here && place && navigator.geolocation) {
    const button = here.querySelector("button"), said = here.querySelector("[role=status]");
    here.hidden = false;
    button.addEventListener("click", () => {
      said.textContent = button.dataset.wait;
      navigator.geolocation.getCurrentPosition(({ coords }) => {
        place.value = `${coords.longitude.toFixed(6)}, ${coords.latitude.toFixed(6)}`;
        place.dispatchEvent(new Event("change", { bubbles: true }));
        said.textContent = place.value;
      }, () => { said.textContent = button.dataset.fault; }, { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 });
    });
  }
  const map = document.querySelector(".by-map"), later = document.querySelector("template[data-map-later]");
  const load = () => { // the map is ten times as heavy as the form: it comes when it is wanted
    if (!map.open || !later || !later.content.childElementCount) return;
    for (const part of [...later.content.children]) {
      const made = document.createElement(part.localName);
      for (const { name, value } of part.attributes) made.setAttribute(name, value);
      document.head.append(made);
      part.remove();
    }
  };
  if (map) map.addEventListener("toggle", load);
  if (map) load();
  const warning = document.getElementById("too-large");
  const photos = [...document.querySelectorAll("input[type=file]")];
  const tooLarge = () => photos.some((input) => input.files[0] && input.files[0].size > Number(warning.dataset.most) * 1024 * 1024);
  for (const input of photos) input.addEventListener("change", () => { warning.hidden = !tooLarge(); });
  const form = document.querySelector("form.report");
  if (form) form.addEventListener("submit", (event) => {
    if (!tooLarge()) return;
    event.preventDefault();
    warning.hidden = false;
    photos[0].focus();
  });
})();
