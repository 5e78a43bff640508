// Live counts: the pool's event stream, written into the rows; spoken now and then for those who listen.

import { toast } from "./toast.js";
import { lang, page, word } from "./words.js";

const FEW_SHARE = 0.2;
const CHANGED_MS = 1200;
const SPEAK_EVERY_MS = 10000;
const AGAIN_MS = 3000;

const rows = new Map([...document.querySelectorAll(".row")].map((row) => [Number(row.dataset.unit), row]));
const free = new Map();
const pulse = document.getElementById("pulse");
const pulseWords = document.getElementById("pulse-words");
const spoken = document.getElementById("spoken");
// The last unit the server knew of; empty when later ones are on another page.
const newest = Number(page.dataset.newest || Infinity);
let told = false;
let spokeAt = Date.now();

export function rowOf(unit) {
  return rows.get(unit);
}

/** Follows the pool's counts for as long as the page is open. */
export function followCounts() {
  pulse.hidden = false;
  const stream = new EventSource(`/api/v1/pools/${page.dataset.pool}/availability`);
  stream.addEventListener("open", () => pulsing("on"));
  stream.addEventListener("availability", (event) => {
    for (const [unit, count] of Object.entries(JSON.parse(event.data))) show(Number(unit), count);
    pulsing("on");
    speak();
  });
  stream.addEventListener("error", () => {
    pulsing("off");
    // The browser reconnects by itself, unless the server refused: then it is up to us.
    if (stream.readyState === EventSource.CLOSED) setTimeout(followCounts, AGAIN_MS);
  });
}

function pulsing(state) {
  pulse.dataset.state = state;
  pulseWords.textContent = word(`live.${state}`);
}

function show(unit, count) {
  const row = rows.get(unit);
  if (!row) {
    if (unit > newest) tellNew();
    return;
  }
  const before = free.get(unit);
  free.set(unit, count);
  const capacity = Number(row.dataset.capacity);
  const level = levelOf(count, capacity);
  row.dataset.level = level;
  row.querySelector(".count").textContent = count ?? "–";
  row.querySelector(".count-word").textContent = word(level === "none" ? "full" : "seats_free");
  row.querySelector(".bar-taken").setAttribute("width", String(count === null ? 0 : 100 - (100 * count) / capacity));
  if (before !== undefined && before !== count && !row.classList.contains("changed")) {
    row.classList.add("changed");
    setTimeout(() => row.classList.remove("changed"), CHANGED_MS);
  }
}

function levelOf(count, capacity) {
  if (count === null) return "unknown";
  if (count === 0) return "none";
  return count <= capacity * FEW_SHARE ? "few" : "many";
}

function tellNew() {
  if (told) return;
  told = true;
  toast(word("live.new"), "plain", { label: word("live.reload"), act: () => location.reload() });
}

/** One polite sentence at a time: a listener is not read every seat of a rush. */
function speak() {
  if (Date.now() - spokeAt < SPEAK_EVERY_MS) return;
  spokeAt = Date.now();
  const total = [...free.values()].reduce((sum, count) => sum + (count ?? 0), 0);
  spoken.textContent = word("live.total", { free: total.toLocaleString(lang) });
}
