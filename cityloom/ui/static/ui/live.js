// Say that a page is out of date; everything works without this file.
const base = document.body.dataset.live;
const news = document.getElementById("news");
const incident = document.querySelector("[data-incident]")?.dataset.incident;

if (base && news) {
  const source = new EventSource(`${base}/events/`, { withCredentials: true });
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (incident && event.incident !== incident) return;
    news.querySelector("span").textContent = news.dataset.words;
    news.hidden = false;
  };
}
