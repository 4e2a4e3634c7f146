// Let the drill's clock go on between two answers of the server; all works without.
const started = new WeakMap();

function show(seconds) {
  const whole = Math.floor(Math.abs(seconds)), sign = seconds < 0 ? "-" : "+";
  return `${sign}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

setInterval(() => {
  for (const clock of document.querySelectorAll("[data-drill-clock]")) {
    const pace = Number(clock.dataset.pace);
    if (!started.has(clock)) started.set(clock, performance.now());
    if (pace) clock.textContent = show(Number(clock.dataset.seconds) + ((performance.now() - started.get(clock)) / 1000) * pace);
  }
}, 250);
