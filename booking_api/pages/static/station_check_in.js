// Checking in without leaving the page: by keyboard, scanner or camera; the answer fills the screen and goes by itself.

import { camera } from "./station_camera.js";

const SHOWN_MS = { good: 3500, wait: 6000, bad: 6000 };
const TONES = { good: [880, 0.12], wait: [440, 0.25], bad: [196, 0.45] };

const form = document.getElementById("check-in");
const photo = document.getElementById("photo");
const field = document.getElementById("f-code");
const result = document.getElementById("result");
const sound = document.getElementById("sound");
let closing = 0;
let busy = false;

document.getElementById("sound-label").hidden = false;
if (!result.hidden) open(result.classList[1]);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = new FormData(form);
  field.value = "";
  field.focus();
  send(form.action, body);
});
photo.addEventListener("submit", async (event) => {
  event.preventDefault();
  await send(photo.action, new FormData(photo), true);
  photo.reset();
});

// A scanner types wherever the focus is.
addEventListener("keydown", (event) => {
  const plain = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && event.key !== " " && !event.target.closest("input, button, a, select, textarea")) field.focus();
  if (event.key === "Escape") close();
  else if (plain && result.classList.contains("over")) close();
});
result.addEventListener("click", close);

camera({
  decoded: (code) => {
    const body = new FormData(form);
    body.set("code", code);
    return send(form.action, body);
  },
  frame: (picture) => {
    const body = new FormData(photo);
    body.set("photo", picture, "frame.jpg");
    return send(photo.action, body);
  },
  free: () => !busy && !result.classList.contains("over"),
});

/** Sends a code or a picture; true when it was answered with something to show. `asked`: a person waits for it. */
async function send(address, body, asked = false) {
  busy = true;
  try {
    const answer = await fetch(address, { method: "POST", body: encoded(address, body), headers: { Accept: "application/json" } });
    if (answer.status === 204) {
      // A person's photo is answered in words: the page says what was not seen in it.
      if (asked) photo.submit();
      return false;
    }
    if (answer.redirected || !answer.headers.get("content-type")?.startsWith("application/json")) {
      location.reload();
      return false;
    }
    show(await answer.json());
    return true;
  } catch {
    show({ tone: "bad", title: form.dataset.notRead, what: form.dataset.offline, name: "", facts: [] });
    return true;
  } finally {
    busy = false;
  }
}

function encoded(address, body) {
  return address === form.action ? new URLSearchParams(body) : body;
}

function show(told) {
  result.hidden = false;
  for (const icon of result.querySelectorAll(".result-icon")) icon.hidden = icon.dataset.tone !== told.tone;
  const part = (name) => result.querySelector(`[data-part="${name}"]`);
  part("title").textContent = told.title;
  part("what").textContent = told.what;
  part("name").textContent = told.name;
  part("name").hidden = !told.name;
  part("facts").replaceChildren(...told.facts.map(pair));
  open(told.tone);
  if (sound.checked) play(told.tone);
}

function pair([label, value]) {
  const row = document.createElement("div");
  for (const [tag, said] of [["dt", label], ["dd", value]]) {
    const cell = document.createElement(tag);
    cell.textContent = said;
    row.append(cell);
  }
  return row;
}

function open(tone) {
  result.className = `result ${tone} over`;
  clearTimeout(closing);
  closing = setTimeout(close, SHOWN_MS[tone]);
  field.focus();
}

/** The last answer stays on the page, small, above the field. */
function close() {
  clearTimeout(closing);
  result.classList.remove("over");
  field.focus();
}

function play(tone) {
  const [hertz, seconds] = TONES[tone];
  const context = new AudioContext();
  const voice = new OscillatorNode(context, { frequency: hertz });
  voice.connect(new GainNode(context, { gain: 0.2 })).connect(context.destination);
  voice.start();
  voice.stop(context.currentTime + seconds);
  voice.addEventListener("ended", () => context.close());
}
