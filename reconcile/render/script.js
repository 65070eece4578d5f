"use strict";
(() => {
  // What is looked at is in the address, so that it can be passed on: filters, and a day alone.
  let chosen = new URLSearchParams();
  const filter = (form) => {
    const table = document.getElementById(form.dataset.for);
    const value = (name) => { const it = form.elements[form.dataset.for + "-" + name]; return it ? it.value : ""; };
    const words = value("text").trim().toLowerCase().split(/\s+/);
    const status = value("status"), kind = value("kind");
    let count = 0;
    const rows = table ? table.querySelectorAll("[data-status]") : [];
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const right = (!status || row.dataset.status.split(" ").includes(status)) && (!kind || row.dataset.kind === kind);
      row.hidden = !(right && words.every((word) => text.includes(word)));
      if (!row.hidden) count += 1;
    }
    const left = table ? table.dataset.total - rows.length : 0;
    const told = (number) => number.toLocaleString("en-US");
    form.querySelector("output").textContent = told(count) + " of " + told(rows.length) + (left > 0 ? " on this page; " + told(left) + " are not" : " shown");
  };
  const zoom = () => {
    const day = chosen.get("day") || "";
    const link = Array.from(document.querySelectorAll("a.zoom")).find((it) => it.dataset.day === day);
    const table = document.getElementById("items-table");
    if (!link || !table) return;
    table.classList.toggle("zoomed", day !== "");
    for (const it of table.querySelectorAll(".alone")) it.classList.toggle("shown", it.dataset.day === day);
    for (const it of table.querySelectorAll("svg.line")) it.setAttribute("viewBox", [link.dataset.x, 0, link.dataset.width, 28].join(" "));
    document.querySelector(".zooms output").textContent = link.ariaLabel || "";
    for (const it of document.querySelectorAll("a.zoom")) it === link ? it.setAttribute("aria-current", "true") : it.removeAttribute("aria-current");
  };
  const forms = () => document.querySelectorAll("form.filter");
  const fields = () => document.querySelectorAll("form.filter input, form.filter select");
  const apply = () => {
    for (const form of forms()) {
      form.hidden = false;
      filter(form);
    }
    for (const it of document.querySelectorAll(".zooms")) it.hidden = false;
    zoom();
  };
  const keep = () => {
    for (const it of fields()) it.value ? chosen.set(it.name, it.value) : chosen.delete(it.name);
    history.replaceState(null, "", "#" + chosen);
  };
  const read = () => {
    if (!location.hash.includes("=")) return;
    chosen = new URLSearchParams(location.hash.slice(1));
    for (const it of fields()) it.value = chosen.get(it.name) || "";
  };
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form.filter");
    if (form) { filter(form); keep(); }
  });
  document.addEventListener("submit", (event) => { if (event.target.matches("form.filter")) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.zoom");
    if (!link) return;
    event.preventDefault();
    link.dataset.day ? chosen.set("day", link.dataset.day) : chosen.delete("day");
    keep();
    zoom();
  });
  window.addEventListener("hashchange", () => { read(); apply(); });
  document.addEventListener("renewed", apply);
  read();
  apply();
})();
