"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const say = (words) => { if (live.textContent !== words) live.textContent = words; };
  // Only what differs is touched: an open row, a focus and a selection stay, and nothing flashes.
  const bring = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE || old.tagName !== fresh.tagName) { old.replaceWith(fresh); return; }
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(name) && name !== "open" && name !== "hidden") old.removeAttribute(name);
    }
    const key = (node) => (node && node.dataset && node.dataset.key) || "";
    const known = new Map(Array.from(old.children, (it) => [key(it), it]));
    const wanted = Array.from(fresh.childNodes);
    wanted.forEach((child, place) => {
      const there = old.childNodes[place] || null;
      const mine = key(child) ? known.get(key(child)) : key(there) ? null : there;
      if (!mine) { old.insertBefore(child, there); return; }
      if (mine !== there) old.insertBefore(mine, there);
      bring(mine, child);
    });
    while (old.childNodes.length > wanted.length) old.lastChild.remove();
  };
  const put = (id, html) => {
    const old = document.getElementById(id);
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(id);
    if (old && fresh) bring(old, fresh);
    return old !== null;
  };
  const source = new EventSource("events" + location.search);
  source.addEventListener("parts", (event) => {
    const parts = JSON.parse(event.data);
    const placed = Object.keys(parts).filter((id) => put(id, parts[id]));
    if (parts["items-table"] && !placed.includes("items-table")) location.reload();
    document.dispatchEvent(new Event("renewed"));
    say("Live");
  });
  source.addEventListener("open", () => say("Live"));
  source.addEventListener("error", () => say("Not connected; what is shown may be old"));
})();
