"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const text = document.getElementById("filter-text");
  const status = document.getElementById("filter-status");
  const shown = document.getElementById("filter-shown");
  const rows = Array.from(document.querySelectorAll("#items-table tbody tr[data-status]"));
  const words = rows.map((row) => row.textContent.toLowerCase());
  const apply = () => {
    const wanted = text.value.trim().toLowerCase().split(/\s+/);
    let count = 0;
    rows.forEach((row, index) => {
      const right = !status.value || row.dataset.status === status.value;
      const visible = right && wanted.every((word) => words[index].includes(word));
      row.hidden = !visible;
      if (visible) count += 1;
    });
    shown.textContent = count + " of " + rows.length + " shown";
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.hidden = false;
  apply();
})();
