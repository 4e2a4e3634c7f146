// A slider through the moments at which something happened; without it there are links and a field for the time.
const form = document.querySelector(".scrub[data-marks]");

if (form) {
  const marks = JSON.parse(form.dataset.marks); // [instant, words], in time order; behind the last one is now
  const slider = form.querySelector(".slider"), range = slider.querySelector("input"), words = slider.querySelector("output");
  const zone = document.getElementById("live-clock")?.dataset.zone;
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone,
  });
  const at = Date.parse(form.dataset.at);
  const place = Number.isNaN(at) ? marks.length : marks.findLastIndex(([instant]) => Date.parse(instant) <= at);

  const say = () => {
    const mark = marks[range.value];
    const text = mark ? `${format.format(Date.parse(mark[0]))} ${mark[1]}` : form.dataset.now;
    words.textContent = text;
    range.setAttribute("aria-valuetext", text);
  };
  range.max = marks.length;
  range.value = Math.max(place, 0);
  range.addEventListener("input", say);
  range.addEventListener("change", () => {
    const mark = marks[range.value];
    location.assign(mark ? `?at=${encodeURIComponent(mark[0])}` : location.pathname);
  });
  say();
  slider.hidden = false;
}
