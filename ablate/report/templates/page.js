"use strict";
// Tables: a click on a heading sorts, a second one turns the order round; fields without a value stay at the end.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, index) => {
    head.firstElementChild.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [row.cells[index].dataset.sort, row]);
      const numbers = rows.every(([key]) => key === undefined || (key.trim() !== "" && isFinite(key)));
      rows.sort(([a], [b]) => {
        if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
        const order = numbers ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

for (const input of document.querySelectorAll("[data-filter]")) {
  const rows = [...input.closest(".table").querySelectorAll("tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !wanted.every((word) => texts[index].includes(word));
      shown += !row.hidden;
    });
    input.nextElementSibling.textContent = wanted.length ? `${shown} of ${rows.length}` : "";
  });
}

// Pictures: the original lies over a crop while one points at it or flickers.
const show = (tile, on) => {
  const frame = tile.querySelector(".frame");
  const original = tile.parentElement.querySelector(".original img");
  if (!original || !frame.querySelector("img")) return;
  if (frame.childElementCount === 1) {
    const over = new Image();
    over.src = original.src;
    over.alt = "";
    frame.append(over);
  }
  tile.classList.toggle("show", on);
};
for (const picture of document.querySelectorAll(".picture")) {
  const tiles = [...picture.querySelectorAll(".tile:not(.original)")];
  const button = picture.querySelector("[data-flicker]");
  let timer = 0;
  for (const tile of tiles) {
    tile.addEventListener("pointerenter", () => timer || show(tile, true));
    tile.addEventListener("pointerleave", () => timer || show(tile, false));
    tile.addEventListener("blur", () => timer || show(tile, false));
    tile.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      show(tile, !tile.classList.contains("show"));
    });
  }
  button.hidden = !picture.querySelector(".original img");
  button.addEventListener("click", () => {
    let on = false;
    if (timer) {
      clearInterval(timer);
      timer = 0;
      tiles.forEach((tile) => show(tile, false));
    } else {
      timer = setInterval(() => tiles.forEach((tile) => show(tile, on), (on = !on)), 600);
    }
    button.setAttribute("aria-pressed", String(timer !== 0));
  });
}
for (const controls of document.querySelectorAll(".controls")) {
  controls.hidden = false;
  controls.addEventListener("click", (event) => {
    const zoom = event.target.dataset.zoom;
    if (!zoom) return;
    controls.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b === event.target)));
    controls.parentElement.querySelectorAll(".tiles").forEach((tiles) => tiles.style.setProperty("--zoom", zoom));
  });
}

// Navigation: marks the section that is being read.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const sections = [...links.keys()].map((id) => document.getElementById(id));
const mark = () => {
  const current = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3).pop() ?? sections[0];
  links.forEach((link, id) => (id === current.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
};
addEventListener("scroll", mark, { passive: true });
mark();
