// A hold's time, counted down on the server's clock: shown each second, spoken twice. What is to be done is in the page without it.

const SECOND_MS = 1000;
const SPOKEN = [
  [120, "two"],
  [30, "half"],
];

const holding = document.getElementById("holding");

/** Milliseconds of the server's clock: what it said with the page, and the time that has passed since. */
function clockOf(said) {
  const began = performance.now();
  return () => said + performance.now() - began;
}

function minutes(leftMs) {
  const seconds = Math.max(0, Math.ceil(leftMs / SECOND_MS));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function everySecond(act) {
  if (act()) setTimeout(() => everySecond(act), SECOND_MS);
}

function countDown(element) {
  const now = clockOf(Number(element.dataset.now));
  const ends = Number(element.dataset.expires);
  everySecond(() => {
    const left = ends - now();
    if (left > 0) element.textContent = element.dataset.left.replace("{time}", minutes(left));
    return left > 0;
  });
}

function countHold() {
  const left = holding.querySelector(".clock-left");
  if (!left) return;
  const spoken = document.getElementById("told-left");
  const now = clockOf(Number(holding.dataset.now));
  const ends = Number(holding.dataset.expires);
  const warnMs = Number(holding.dataset.warn) * SECOND_MS;
  // What is past when the page comes is not said again.
  const toSay = SPOKEN.filter(([seconds]) => ends - now() > seconds * SECOND_MS);
  left.hidden = false;
  everySecond(() => {
    const leftMs = ends - now();
    if (leftMs <= 0) {
      end(spoken);
      return false;
    }
    left.textContent = minutes(leftMs);
    holding.classList.toggle("soon", leftMs <= warnMs);
    while (toSay.length && leftMs <= toSay[0][0] * SECOND_MS) spoken.textContent = holding.dataset[toSay.shift()[1]];
    return true;
  });
}

function end(spoken) {
  holding.classList.add("ended");
  spoken.textContent = holding.dataset.over;
  holding.querySelector("h1").textContent = holding.dataset.title;
  const deeds = document.getElementById("deeds");
  const held = deeds.contains(document.activeElement);
  deeds.hidden = true;
  const over = document.getElementById("over");
  over.hidden = false;
  // Whoever was on the button that went finds the one that came.
  if (held) over.querySelector("button").focus();
}

if (holding) countHold();
for (const element of document.querySelectorAll(".left[data-expires]")) countDown(element);
