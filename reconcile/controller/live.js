"use strict";
(() => {
  const live = document.getElementById("live");
  const form = document.getElementById("filter");
  const filter = () => {
    if (!form) return;
    const text = document.getElementById("filter-text").value.trim().toLowerCase().split(/\s+/);
    const status = document.getElementById("filter-status").value;
    const rows = Array.from(document.querySelectorAll("#items-rows tr[data-status]"));
    let count = 0;
    for (const row of rows) {
      const words = row.textContent.toLowerCase();
      const right = !status || row.dataset.status === status;
      row.hidden = !(right && text.every((word) => words.includes(word)));
      if (!row.hidden) count += 1;
    }
    document.getElementById("filter-shown").textContent = count + " of " + rows.length + " shown";
  };
  if (form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", filter);
    form.hidden = false;
    filter();
  }
  const say = (words) => { if (live && live.textContent !== words) live.textContent = words; };
  const open = () => Array.from(document.querySelectorAll("details[open]"), (it) => it.parentNode.id);
  const put = (id, html) => {
    const old = document.getElementById(id);
    if (!old || old.contains(document.activeElement)) return;
    const opened = open();
    old.outerHTML = html;
    for (const it of document.querySelectorAll("details")) {
      if (opened.includes(it.parentNode.id)) it.open = true;
    }
  };
  const source = new EventSource("events");
  source.addEventListener("parts", (event) => {
    const parts = JSON.parse(event.data);
    for (const id of Object.keys(parts)) put(id, parts[id]);
    if (!form && parts["items-rows"]) location.reload();
    filter();
    say("Live");
  });
  source.addEventListener("open", () => say("Live"));
  source.addEventListener("error", () => say("Not connected; what is shown may be old"));
})();
