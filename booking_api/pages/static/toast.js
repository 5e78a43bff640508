// Short messages that do not take the focus. `kind`: bad, good or plain.

import { Refused, Unreachable } from "./api.js";
import { problemWords, word } from "./words.js";

const SHOWN_MS = { bad: 9000, good: 5000, plain: 7000 };
const SHOWN_LIMIT = 3;
const place = document.getElementById("toasts");

export function toast(sentence, kind = "bad", action = null) {
  const shown = document.createElement("div");
  shown.className = "toast";
  shown.dataset.kind = kind;
  const text = document.createElement("span");
  text.textContent = sentence;
  shown.append(text, action ? actionButton(action) : dismissButton(shown));
  place.append(shown);
  while (place.children.length > SHOWN_LIMIT) place.firstElementChild.remove();
  if (!action) setTimeout(() => shown.remove(), SHOWN_MS[kind]);
  return shown;
}

/** Shows why something was not done. Errors of our own are not hidden: they reach the console. */
export function toastError(error) {
  if (error instanceof Refused) toast(problemWords(error.problem));
  else if (error instanceof Unreachable) toast(word("offline"));
  else throw error;
}

function dismissButton(shown) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", word("dismiss"));
  button.addEventListener("click", () => shown.remove());
  return button;
}

function actionButton({ label, act }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "word";
  button.textContent = label;
  button.addEventListener("click", act);
  return button;
}
