"use strict";
// Tables: a click on a heading sorts, a second one turns the order round; fields without a value stay at the end.
// Of a long table only a part is laid out, and more as one scrolls: all rows are there for the filter, and for print.
const PART = 100;
const order = new Intl.Collator(undefined, { numeric: true }).compare;
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const scroll = table.parentElement;
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  let shown = rows;
  if (rows.length > 2 * PART) {
    const more = () => body.append(...shown.slice(body.rows.length, body.rows.length + PART));
    scroll.addEventListener("scroll", () => scroll.scrollTop + 2 * scroll.clientHeight > scroll.scrollHeight && more(), { passive: true });
    addEventListener("beforeprint", () => body.replaceChildren(...shown));
    addEventListener("afterprint", () => show(shown));
  }
  const show = (kept) => {
    shown = kept;
    scroll.scrollTop = 0;
    body.replaceChildren(...(rows.length > 2 * PART ? shown.slice(0, PART) : shown));
  };
  if (rows.length > 2 * PART) show(rows);

  heads.forEach((head, index) => {
    head.firstElementChild.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keys = new Map(rows.map((row) => [row, row.cells[index].dataset.sort]));
      const numbers = [...keys.values()].every((key) => key === undefined || (key.trim() !== "" && isFinite(key)));
      const sorted = (one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
        return (numbers ? a - b : order(a, b)) * (down ? -1 : 1);
      };
      rows.sort(sorted);
      show([...shown].sort(sorted));
    });
  });

  const input = scroll.closest(".table").querySelector("[data-filter]");
  if (!input) continue;
  const texts = new Map(rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase()]));
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((row) => wanted.every((word) => texts.get(row).includes(word)));
    show(kept);
    input.nextElementSibling.textContent = wanted.length ? `${kept.length} of ${rows.length}` : "";
  });
}

// Images: the original lies over a crop, whole while one points at it or flickers, else as far as the slider says.
const cover = (tile) => {
  const frame = tile.querySelector(".frame");
  const original = tile.parentElement.querySelector(".original img");
  if (!original || !frame.querySelector("img")) return false;
  if (!frame.querySelector(".over")) {
    const over = new Image();
    over.src = original.src;
    over.alt = "";
    over.className = "over";
    frame.append(over);
  }
  return true;
};
const show = (tile, on) => cover(tile) && tile.classList.toggle("show", on);

// Errors: the mean absolute difference over channels, coloured between the gallery's stops.
const drawError = (tile, stops, reach) => {
  const own = tile.querySelector(".frame img");
  const original = tile.parentElement.querySelector(".original img");
  if (!own || !original || tile.querySelector("canvas")) return;
  const canvas = document.createElement("canvas");
  canvas.width = own.naturalWidth;
  canvas.height = own.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = (image) => {
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };
  const [a, b] = [pixels(own), pixels(original).data];
  for (let i = 0; i < b.length; i += 4) {
    const error = (Math.abs(a.data[i] - b[i]) + Math.abs(a.data[i + 1] - b[i + 1]) + Math.abs(a.data[i + 2] - b[i + 2])) / 3;
    const place = Math.min(error / reach, 1) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    for (let c = 0; c < 3; c++) a.data[i + c] = stops[low][c] + (stops[low + 1][c] - stops[low][c]) * (place - low);
  }
  context.putImageData(a, 0, 0);
  own.after(canvas);
};

for (const image of document.querySelectorAll(".image")) {
  const tiles = [...image.querySelectorAll(".tile:not(.original)")];
  const button = image.querySelector("[data-flicker]");
  const cut = image.querySelector("[data-cut]");
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
  image.querySelector(".compare").hidden = !image.querySelector(".original img");
  cut.addEventListener("input", () => {
    tiles.forEach(cover);
    image.style.setProperty("--cut", `${cut.value}%`);
    image.classList.toggle("cut", cut.value > 0);
  });
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
  const gallery = controls.parentElement;
  controls.hidden = false;
  controls.addEventListener("click", (event) => {
    const { zoom, view } = event.target.dataset;
    if (!zoom && !view) return;
    event.target.parentElement.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b === event.target)));
    if (zoom) gallery.querySelectorAll(".tiles").forEach((tiles) => tiles.style.setProperty("--zoom", zoom));
    if (view) {
      const errors = view === "error";
      if (errors) gallery.querySelectorAll(".tile:not(.original)").forEach((tile) => drawError(tile, JSON.parse(gallery.dataset.stops), Number(gallery.dataset.reach)));
      gallery.classList.toggle("errors", errors);
      controls.querySelector(".scale").hidden = !errors;
    }
  });
}

// Folded parts: a link to one opens it, and so does printing.
const unfold = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.querySelector("details.part")?.setAttribute("open", "");
addEventListener("hashchange", unfold);
unfold();
for (const link of document.querySelectorAll("nav a")) link.addEventListener("click", () => link.hash === location.hash && unfold());

// Navigation: marks the section that is being read.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const sections = [...links.keys()].map((id) => document.getElementById(id));
const mark = () => {
  const current = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3).pop() ?? sections[0];
  links.forEach((link, id) => (id === current.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
};
addEventListener("scroll", mark, { passive: true });
mark();
