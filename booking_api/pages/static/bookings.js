// What a ticket does a little better with scripts: it prints, and says when it is a kept copy.

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const notes = document.querySelectorAll("[data-offline]");
function show() {
  for (const note of notes) note.hidden = navigator.onLine;
}
addEventListener("online", show);
addEventListener("offline", show);
show();
