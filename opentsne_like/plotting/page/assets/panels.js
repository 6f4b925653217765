// What stands beside and above the map. All text is set as text: titles and names are other people's data.

const MOST = 104; // names in a legend

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A card with what is known about a point. */
function cardOf(i, data, pinned) {
  const card = make("div", pinned ? "card pinned" : "card passing");
  const picture = make("canvas");
  if (data.images?.show(i, picture)) card.append(picture);
  const list = make("dl");
  const rows = data.columns.map((column) => [column.name, column.text(i)]);
  for (const [name, text] of [...rows, ["row", String(i)]]) {
    if (text !== "") list.append(make("dt", "", name), make("dd", "", text));
  }
  card.append(list);
  return card;
}

/** Put a card beside a point, where there is room. */
function placeCard(card, [left, top], width, height) {
  const box = card.getBoundingClientRect();
  const right = left + 14 + box.width > width ? left - 14 - box.width : left + 14;
  const down = top + 14 + box.height > height ? top - 14 - box.height : top + 14;
  card.style.transform = `translate(${Math.max(4, right)}px, ${Math.max(4, down)}px)`;
}

/** The legend of a column; `toggled(codes, alone)` is called when classes are clicked. */
function drawLegend(legend, column, hidden, palette, n, toggled) {
  legend.replaceChildren();
  if (column?.kind === "classes") drawClasses(legend, column, hidden, palette, toggled);
  if (column?.kind === "values") drawScale(legend, column, palette, n);
}

function drawClasses(legend, column, hidden, palette, toggled) {
  const sizes = new Array(column.names.length + 1).fill(0);
  for (const code of column.codes) sizes[code]++;
  const entry = (codes, color, name) => {
    const button = make("button", "entry");
    const on = !codes.every((code) => hidden.has(code));
    button.type = "button";
    button.title = `${name}\nClick to hide or show, double click to show alone`;
    button.setAttribute("aria-pressed", String(on));
    const swatch = make("span", "swatch");
    swatch.style.background = cssOf(color);
    const number = codes.reduce((sum, code) => sum + sizes[code], 0).toLocaleString("en");
    button.append(swatch, make("span", "name", name), make("span", "number", number));
    button.addEventListener("click", () => toggled(codes, on, false));
    button.addEventListener("dblclick", () => toggled(codes, on, true));
    legend.append(button);
  };
  const { shown, others } = largest(column.names.length, sizes);
  for (const code of shown) entry([code], palette.table[code], column.names[code]);
  if (others.length) entry(others, palette.table[palette.none], `and ${others.length.toLocaleString("en")} more`);
  const none = column.names.length;
  if (sizes[none]) entry([none], palette.table[palette.none], "no label");
}

/** The classes that have room in a legend, in their order, and the others. */
function largest(count, sizes) {
  const codes = Array.from({ length: count }, (_, code) => code);
  if (count <= MOST) return { shown: codes, others: [] };
  const bySize = [...codes].sort((a, b) => sizes[b] - sizes[a] || a - b);
  const kept = new Set(bySize.slice(0, MOST - 1));
  return { shown: codes.filter((code) => kept.has(code)), others: codes.filter((code) => !kept.has(code)) };
}

function drawScale(legend, column, palette, n) {
  const bar = make("div", "scale");
  const stops = palette.table.slice(0, 256).filter((_, k) => k % 17 === 0).map(cssOf);
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  const ends = make("div", "ends");
  ends.append(make("span", "", column.written(column.low)), make("span", "", column.written(column.high)));
  legend.append(bar, ends);
  let missing = 0;
  for (let i = 0; i < n; i++) missing += column.isMissing(i);
  if (!missing) return;
  const row = make("div", "entry");
  const swatch = make("span", "swatch");
  swatch.style.background = cssOf(palette.table[palette.none]);
  row.append(swatch, make("span", "name", "no value"), make("span", "number", missing.toLocaleString("en")));
  legend.append(row);
}

/** A table of some points as text, with quotes where commas, quotes or line ends ask for them. */
function tableOf(rows, data) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [["row", "x", "y", ...data.columns.map((column) => column.name)]];
  for (const i of rows) {
    const place = data.points.original(i).map((value) => String(Number(value.toPrecision(9))));
    lines.push([String(i), ...place, ...data.columns.map((column) => column.text(i))]);
  }
  return lines.map((cells) => cells.map(quoted).join(",") + "\r\n").join("");
}

function saveText(text, name) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000); // once the browser has read it
}

/** Copy text, also where a frame is not allowed to use the clipboard by itself. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", "", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
