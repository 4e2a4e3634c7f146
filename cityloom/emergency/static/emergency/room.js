// Say now and then that this page is open, and show who else has it open. All else works without.
const presence = document.querySelector("[data-presence]");
const EVERY_MS = 10_000;

async function look() {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(presence.dataset.presence, { headers: { "X-Requested-With": "fetch" } });
    const words = answer.ok ? await answer.text() : presence.innerHTML;
    if (words !== presence.innerHTML) presence.innerHTML = words;
  } catch {
    // the line is down: what was shown stays until it is back
  }
}

if (presence) {
  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
}
