// Fills the offline page with what the service worker has kept of one's bookings.

const SVG = "http://www.w3.org/2000/svg";

const kept = await read();
if (kept?.bookings.length) show(kept);

async function read() {
  for (const name of await caches.keys()) {
    if (!name.startsWith("person-")) continue;
    const answer = await (await caches.open(name)).match("/bookings/kept");
    if (answer) return answer.json();
  }
  return null;
}

function show({ as_of: asOf, bookings }) {
  const section = document.getElementById("kept-bookings");
  section.querySelector("[data-when]").textContent = `${section.dataset.asOf} ${asOf}`;
  section.querySelector(".kept").append(...bookings.map((booking) => ticket(booking, section.dataset)));
  section.hidden = false;
  document.getElementById("kept-nothing").hidden = true;
}

function ticket(booking, said) {
  const item = element("li", "card kept-ticket");
  const about = element("div", "ticket-about");
  about.append(element("h3", "", booking.title), element("p", "", booking.place), element("p", "", `${booking.when} ${booking.about}`));
  const link = element("a", "", said.open);
  link.href = `/bookings/${booking.id}`;
  about.append(link);
  item.append(about, symbol(booking, said.symbol), element("p", "code code-groups", booking.code));
  return item;
}

function symbol({ size, path }, label) {
  const picture = drawn("svg", { class: "symbol", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" });
  picture.append(drawn("path", { class: "symbol-paper", d: `M0 0h${size}v${size}h-${size}z` }), drawn("path", { class: "symbol-ink", d: path }));
  return picture;
}

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function element(name, kind, text = "") {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}
