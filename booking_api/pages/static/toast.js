// Short messages that do not take the focus; the page's `#toasts` is a live region.

const SHOWN_MS = 7000;
const SHOWN_LIMIT = 3;
const place = document.getElementById("toasts");

/** Shows a sentence, with an action when there is one: then it stays. */
export function toast(sentence, action = null) {
  const shown = document.createElement("div");
  shown.className = "toast";
  const text = document.createElement("span");
  text.textContent = sentence;
  shown.append(text);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.label;
    button.addEventListener("click", action.act);
    shown.append(button);
  } else {
    setTimeout(() => shown.remove(), SHOWN_MS);
  }
  place.append(shown);
  while (place.children.length > SHOWN_LIMIT) place.firstElementChild.remove();
  return shown;
}
