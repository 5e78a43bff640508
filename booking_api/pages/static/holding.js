// One's hold: taken, counted down, confirmed or given back. Kept in the tab, so that a reload finds it again.

import { call, Refused } from "./api.js";
import { rowOf } from "./counts.js";
import { toast, toastError } from "./toast.js";
import { page, titleWords, whenWords, word } from "./words.js";

const TICK_MS = 250;
const LATE_MS = 60000;
const KEY = "gongdao.hold";

const panel = document.getElementById("holding");
const what = document.getElementById("holding-what");
const clock = document.getElementById("clock");
const fuse = document.getElementById("fuse");
const confirmButton = document.getElementById("confirm");
const releaseButton = document.getElementById("release");

let held = null; // { id, key, owner, pool, unit, vehicle, expiresAtMs, aheadMs, lifeMs, label }
let ticking = null;
let onBooked = () => {};

export function whenBooked(listener) {
  onBooked = listener;
}

/** Holds a unit of this page for the signed-in person. */
export async function holdUnit(owner, unit, vehicle) {
  const button = rowOf(unit).querySelector(".hold");
  await busy(button, async () => {
    try {
      await take(owner, Number(page.dataset.pool), unit, vehicle);
    } catch (error) {
      if (error instanceof Refused && error.problem.code === "another_hold" && !held) await adopt(owner, error.problem, vehicle);
      toastError(error);
    }
  });
}

/** Takes up the hold this tab knew before it was reloaded. */
export function restoreHold(owner) {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (kept && kept.owner === owner && kept.expiresAtMs > Date.now() + kept.aheadMs) open(kept);
}

/** Puts the panel away without giving the hold back: its owner has signed out. */
export function leaveHold() {
  close({ keep: true });
}

async function take(owner, pool, unit, vehicle) {
  const body = { pool, units: [unit], ...(vehicle ? { vehicle } : {}) };
  const answer = await call("POST", "/api/v1/holds", { body });
  const known = await describe(unit);
  const lifeMs = known.lifeMs;
  // The deadline is of the server's clock: a fresh hold tells how far that is ahead of ours.
  const aheadMs = answer.repeated ? (held?.aheadMs ?? 0) : answer.expires_at_ms - lifeMs - Date.now();
  open({
    id: answer.id, key: crypto.randomUUID(), owner, pool, unit, vehicle,
    expiresAtMs: answer.expires_at_ms, aheadMs, lifeMs, label: known.label,
  });
}

/** Another tab or device has a hold of ours: the problem names it, and repeating the request for it gives it. */
async function adopt(owner, problem, vehicle) {
  try {
    await take(owner, problem.pool, problem.units[0], vehicle);
  } catch (error) {
    toastError(error);
  }
}

async function describe(unit) {
  const found = await call("GET", `/api/v1/units/${unit}`);
  return { label: `${titleWords(found)}\n${whenWords(found)}`, lifeMs: Number(page.dataset.holdTtlS) * 1000 };
}

function open(hold) {
  close({ keep: true });
  held = hold;
  sessionStorage.setItem(KEY, JSON.stringify(hold));
  const [title, when] = hold.label.split("\n");
  const line = document.createElement("span");
  line.className = "booking-when";
  line.textContent = when;
  what.replaceChildren(title, document.createElement("br"), line);
  panel.hidden = false;
  document.body.classList.add("has-hold");
  mark(true);
  tick();
  ticking = setInterval(tick, TICK_MS);
  confirmButton.focus({ preventScroll: true });
}

function close({ keep = false } = {}) {
  clearInterval(ticking);
  if (held) mark(false);
  held = null;
  if (!keep) sessionStorage.removeItem(KEY);
  panel.hidden = true;
  document.body.classList.remove("has-hold");
}

function mark(mine) {
  const row = held.pool === Number(page.dataset.pool) ? rowOf(held.unit) : undefined;
  if (!row) return;
  row.classList.toggle("held", mine);
  const button = row.querySelector(".hold");
  button.textContent = word(mine ? "held" : "hold");
  button.disabled = mine;
}

function tick() {
  const leftMs = held.expiresAtMs - held.aheadMs - Date.now();
  if (leftMs <= 0) {
    close();
    toast(word("hold.expired"));
    return;
  }
  const seconds = Math.ceil(leftMs / 1000);
  clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  fuse.setAttribute("width", String(Math.min(100, (100 * leftMs) / held.lifeMs)));
  panel.classList.toggle("late", leftMs < LATE_MS);
}

confirmButton.addEventListener("click", () => finish(confirmButton, async (onRepeat) => {
  // The same key on every repeat, also after a reload: however often it is sent, it books once.
  const headers = { "Idempotency-Key": held.key };
  await call("POST", `/api/v1/holds/${held.id}/confirm`, { headers, onRepeat });
  const row = held.pool === Number(page.dataset.pool) ? rowOf(held.unit) : undefined;
  close();
  row?.querySelector(".hold").focus({ preventScroll: true });
  toast(word("booking.done"), "good");
  onBooked();
}));

releaseButton.addEventListener("click", () => finish(releaseButton, async (onRepeat) => {
  await call("DELETE", `/api/v1/holds/${held.id}`, { onRepeat });
  close();
  toast(word("hold.released"), "good");
}));

async function finish(button, act) {
  const other = button === confirmButton ? releaseButton : confirmButton;
  other.disabled = true;
  await busy(button, async (onRepeat) => {
    try {
      await act(onRepeat);
    } catch (error) {
      if (error instanceof Refused && error.problem.code === "hold_lost") close();
      toastError(error);
    }
  });
  other.disabled = false;
}

async function busy(button, act) {
  const label = button.textContent;
  button.disabled = true;
  button.textContent = word("holding");
  try {
    await act(() => { button.textContent = word("hold.again"); });
  } finally {
    if (button.textContent !== word("held")) {
      button.disabled = false;
      button.textContent = label;
    }
  }
}
