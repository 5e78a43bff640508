// Live counts: the pool's event stream, written into the sessions; spoken now and then for those who listen.

import { toast } from "./toast.js";

const FEW_SHARE = 0.2;
const CHANGED_MS = 1200;
const SPEAK_EVERY_MS = 10000;
const AGAIN_MS = 3000;

const page = document.getElementById("sessions");
const pulse = document.getElementById("pulse");
const pulseWords = document.getElementById("pulse-words");
const spoken = document.getElementById("spoken");
const shown = new Map();
const free = new Map();
// Every unit the pool has, once the first message has told of them all.
let known = null;
let told = false;
let spokeAt = Date.now();
let said = null;

for (const element of document.querySelectorAll("[data-unit]")) {
  const unit = Number(element.dataset.unit);
  shown.set(unit, [...(shown.get(unit) ?? []), element]);
}

function follow() {
  pulse.hidden = false;
  const stream = new EventSource(`/api/v1/pools/${page.dataset.pool}/availability`);
  stream.addEventListener("open", () => pulsing("on"));
  stream.addEventListener("availability", (event) => {
    hear(Object.entries(JSON.parse(event.data)));
    pulsing("on");
    speak();
  });
  stream.addEventListener("error", () => {
    pulsing("off");
    // The browser reconnects by itself, unless the server refused: then it is up to us.
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MS);
  });
}

function pulsing(state) {
  pulse.dataset.state = state;
  pulseWords.textContent = page.dataset[state];
}

function hear(counts) {
  if (known && counts.some(([unit]) => !known.has(unit))) tellNew();
  known ??= new Set();
  for (const [unit, count] of counts) {
    known.add(unit);
    for (const element of shown.get(Number(unit)) ?? []) show(element, count);
    if (shown.has(Number(unit))) free.set(Number(unit), count);
  }
}

function show(element, count) {
  const before = free.get(Number(element.dataset.unit));
  const capacity = Number(element.dataset.capacity);
  const level = levelOf(count, capacity);
  element.dataset.level = level;
  const number = element.querySelector(".count");
  if (!number) return;
  number.textContent = count ?? "–";
  element.querySelector(".count-word").textContent = page.dataset[level === "none" ? "full" : "free"];
  element.querySelector(".bar-taken")?.setAttribute("width", String(count === null ? 0 : 100 - (100 * count) / capacity));
  const button = element.querySelector("button.hold");
  // A button that somebody stands on does not go away under them.
  if (button) button.hidden = level === "none" && button !== document.activeElement;
  if (before !== undefined && before !== count && !element.classList.contains("changed")) {
    element.classList.add("changed");
    setTimeout(() => element.classList.remove("changed"), CHANGED_MS);
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
  toast(page.dataset.new, { label: page.dataset.reload, act: () => location.reload() });
}

/** One polite sentence at a time: a listener is not read every seat of a rush. */
function speak() {
  const total = [...free.values()].reduce((sum, count) => sum + (count ?? 0), 0);
  said ??= total;
  if (total === said || Date.now() - spokeAt < SPEAK_EVERY_MS) return;
  spokeAt = Date.now();
  said = total;
  spoken.textContent = page.dataset.total.replace("{free}", total.toLocaleString(document.documentElement.lang));
}

document.querySelector(".pools [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
follow();
