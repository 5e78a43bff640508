// One's bookings, newest first, with a way out that asks once more.

import { call } from "./api.js";
import { toast, toastError } from "./toast.js";
import { titleWords, whenWords, word } from "./words.js";

const SHOWN_LIMIT = 20;

const list = document.getElementById("bookings");
const none = document.getElementById("bookings-none");
const known = new Map();
let asked = 0;

export async function showBookings() {
  asked += 1;
  const mine = asked;
  try {
    const { bookings } = await call("GET", `/api/v1/bookings?limit=${SHOWN_LIMIT}`);
    const items = await Promise.all(bookings.map(async (booking) => item(booking, await unitOf(booking))));
    // An answer that was overtaken by a sign-out or a newer question is not shown.
    if (mine !== asked) return;
    list.replaceChildren(...items);
    none.textContent = word("bookings.none");
    none.hidden = items.length > 0;
  } catch (error) {
    toastError(error);
  }
}

export function clearBookings() {
  asked += 1;
  list.replaceChildren();
  none.textContent = word("bookings.signed_out");
  none.hidden = false;
}

async function unitOf({ unit }) {
  if (!known.has(unit)) {
    const found = await call("GET", `/api/v1/units/${unit}`);
    known.set(unit, found);
  }
  return known.get(unit);
}

function item(booking, unit) {
  const entry = document.createElement("li");
  entry.className = "booking";
  entry.dataset.state = booking.state;
  entry.dataset.unit = String(booking.unit);
  const about = document.createElement("div");
  about.append(line("booking-what", titleWords(unit)), line("booking-when", whenWords(unit)));
  entry.append(about, line("booking-state", word(`state.${booking.state}`)));
  if (booking.state === "booked") entry.append(acts(booking));
  return entry;
}

function acts(booking) {
  const place = document.createElement("div");
  place.className = "booking-acts";
  const ask = button("quiet", word("booking.cancel"));
  const sure = button("sure", word("booking.cancel.sure"));
  const no = button("quiet", word("booking.cancel.no"));
  ask.addEventListener("click", () => { place.replaceChildren(sure, no); sure.focus(); });
  no.addEventListener("click", () => { place.replaceChildren(ask); ask.focus(); });
  sure.addEventListener("click", async () => {
    sure.disabled = true;
    try {
      await call("POST", `/api/v1/bookings/${booking.id}/cancel`);
      toast(word("booking.cancelled"), "good");
    } catch (error) {
      toastError(error);
    }
    await showBookings();
  });
  place.append(ask);
  return place;
}

function line(name, text) {
  const paragraph = document.createElement("p");
  paragraph.className = name;
  paragraph.textContent = text;
  return paragraph;
}

function button(name, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.textContent = label;
  return made;
}
