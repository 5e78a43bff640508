// The live page: every second the server tells all it shows, and this writes it where it stands.

const AGAIN_MS = 3000;
const SVG = "http://www.w3.org/2000/svg";
const place = document.getElementById("rush");
const pulse = document.getElementById("pulse");
const pulseWords = document.getElementById("pulse-words");
const at = document.getElementById("at");

follow();

function follow() {
  const stream = new EventSource(place.dataset.events);
  stream.addEventListener("rush", (event) => {
    show(JSON.parse(event.data));
    pulsing("on");
  });
  stream.addEventListener("still", () => pulsing("off"));
  stream.addEventListener("error", () => {
    pulsing("off");
    // The browser reconnects by itself, unless the server refused: then it is up to us.
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MS);
  });
}

function pulsing(state) {
  pulse.dataset.state = state;
  pulseWords.textContent = pulse.dataset[state];
}

function show(told) {
  at.textContent = told.at;
  for (const [name, said] of Object.entries(told.figures)) {
    const figure = place.querySelector(`[data-figure="${name}"]`);
    if (figure.textContent !== said) figure.textContent = said;
  }
  lines(document.querySelector("#rates svg"), told.rates);
  bars(document.querySelector("#seats svg"), told.seats);
  bars(document.querySelector("#refusals svg"), told.refusals);
  rows("minutes", told.minutes);
  rows("reasons", told.reasons);
  rows("sessions", told.sessions.map(([when, title, ...counts]) => [[when, title], ...counts]));
}

function lines(svg, plot) {
  const drawn = plot.lines.map((line) =>
    element("g", { class: `series-${line.colour}` }, [
      element("path", { class: "area", d: line.area }),
      element("path", { class: "line", d: line.path }),
    ]),
  );
  svg.replaceChildren(...grid(plot), ...drawn, below(plot, plot.labels));
}

function bars(svg, plot) {
  const drawn = plot.bars.flatMap((bar) =>
    bar.parts.map(([colour, y, height]) =>
      element("rect", { class: `block series-${colour}`, x: bar.x, y, width: bar.width, height, rx: 2 }),
    ),
  );
  const labels = plot.bars.map((bar) => [bar.x + bar.width / 2, bar.label]);
  svg.replaceChildren(...grid(plot), ...drawn, below(plot, labels));
}

function below(plot, labels) {
  return element("g", { class: "below" }, labels.map(([x, label]) => word(x, plot.height + 20, label)));
}

function grid(plot) {
  const spelled = new Intl.NumberFormat(document.documentElement.lang);
  return plot.grid.flatMap(([y, label]) => [
    element("line", { class: "axis", x1: 0, x2: plot.width, y1: y, y2: y }),
    word(-8, y + 4, spelled.format(label), "end"),
  ]);
}

function word(x, y, said, anchor = "middle") {
  const text = element("text", { x, y, "text-anchor": anchor });
  text.textContent = said;
  return text;
}

function element(name, attributes, children = []) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A row's first cell is its heading, with a second word beside it where there are two. */
function rows(id, told) {
  const body = document.getElementById(id);
  if (!told.length) {
    const cell = document.createElement("td");
    cell.colSpan = body.closest("table").querySelectorAll("thead th").length;
    cell.className = "soft";
    cell.textContent = body.dataset.empty;
    const row = document.createElement("tr");
    row.append(cell);
    body.replaceChildren(row);
    return;
  }
  body.replaceChildren(
    ...told.map(([name, ...counts]) => {
      const head = document.createElement("th");
      head.scope = "row";
      const [first, beside] = Array.isArray(name) ? name : [name];
      head.textContent = first;
      if (beside) {
        const more = document.createElement("span");
        more.className = "soft";
        more.textContent = beside;
        head.append(" ", more);
      }
      const row = document.createElement("tr");
      row.append(head, ...counts.map(number));
      return row;
    }),
  );
}

function number(count) {
  const cell = document.createElement("td");
  cell.className = "number";
  cell.textContent = count;
  return cell;
}
