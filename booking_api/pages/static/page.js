// What every page does a little better with scripts: forms sent once, what was done said once, and the pages kept for when there is no network. Nothing here is needed to use a form.

import { register } from "./offline.js";

const WAIT_MS = 8000;

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    // Disabled after the browser has taken the values: a second press would send the form twice.
    setTimeout(() => {
      // A page's own script has sent it, and is ready for the next.
      if (event.defaultPrevented) return;
      for (const button of form.querySelectorAll("button")) wait(button);
    });
  });
}

function wait(button) {
  if (button.disabled) return;
  const said = button.textContent;
  button.disabled = true;
  if (button.dataset.waiting) button.textContent = button.dataset.waiting;
  // A page that does not come leaves a form that can be sent again.
  setTimeout(() => {
    button.disabled = false;
    button.textContent = said;
  }, WAIT_MS);
}

addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

const address = new URL(location.href);
if (address.searchParams.has("told") || address.searchParams.has("lang")) {
  address.searchParams.delete("told");
  address.searchParams.delete("lang");
  history.replaceState(null, "", address);
}

document.getElementById("summary")?.focus();
showOpen();
addEventListener("resize", showOpen);

/** Where a row of links is wider than the screen, the one that is open is seen. */
function showOpen() {
  for (const open of document.querySelectorAll(":is(.sections, .subnav, .pools, .chips) [aria-current]")) {
    const row = open.closest("ul, nav, .chips");
    const [place, frame] = [open.getBoundingClientRect(), row.getBoundingClientRect()];
    row.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
  }
}

register();
