// Keeps the day's counts fresh while the page is looked at.

const EVERY_MS = 5000;

const place = document.getElementById("counts");
const stale = document.getElementById("stale");
const lang = document.documentElement.lang;

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(place.dataset.from, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
    stale.textContent = "";
  } catch {
    stale.textContent = place.dataset.stale;
  }
}

function show(told) {
  for (const [number, count] of told.all.entries()) write(place.querySelector(`[data-all="${number}"]`), count);
  for (const [unit, counts] of Object.entries(told.sessions)) {
    const row = place.querySelector(`tr[data-unit="${unit}"]`);
    // A session that was published meanwhile is there when the page is opened again.
    for (const [number, count] of row ? counts.entries() : []) write(row.querySelector(`[data-count="${number}"]`), count);
  }
}

function write(cell, count) {
  const said = count.toLocaleString(lang);
  if (cell.textContent !== said) cell.textContent = said;
}

setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
