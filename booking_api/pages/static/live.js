// The live page: signs in, follows the counts, and lets one hold. Everything readable was rendered by the server.

import { call, useToken } from "./api.js";
import { clearBookings, showBookings } from "./bookings.js";
import { followCounts } from "./counts.js";
import { holdUnit, leaveHold, restoreHold, whenBooked } from "./holding.js";
import { toast, toastError } from "./toast.js";
import { page, word } from "./words.js";

const KEY = "gongdao.sign-in";
const account = document.getElementById("account");
const signOut = document.getElementById("sign-out");
const vehicleLine = document.getElementById("vehicle-line");
const vehicle = document.getElementById("vehicle");
const who = document.querySelector(".who");

let signedIn = null; // { account, token, expiresAtMs }
let expiry = null;

async function signIn(chosen) {
  leaveHold();
  clearBookings();
  try {
    const answer = await call("POST", "/demo/sign-in", { body: { account: chosen } });
    begin({ account: chosen, token: answer.token, expiresAtMs: Date.parse(answer.expires_at) });
  } catch (error) {
    end();
    toastError(error);
  }
}

function begin(session) {
  signedIn = session;
  sessionStorage.setItem(KEY, JSON.stringify(session));
  useToken(session.token);
  account.value = session.account;
  signOut.hidden = false;
  showVehicles();
  clearTimeout(expiry);
  expiry = setTimeout(() => { end(); toast(word("sign_in.expired")); }, session.expiresAtMs - Date.now());
  restoreHold(session.account);
  showBookings();
}

function end() {
  signedIn = null;
  sessionStorage.removeItem(KEY);
  clearTimeout(expiry);
  useToken(null);
  account.value = "";
  signOut.hidden = true;
  showVehicles();
  leaveHold();
  clearBookings();
}

function showVehicles() {
  if (!vehicleLine) return;
  const plates = account.selectedOptions[0]?.dataset.vehicles?.split(" ").filter(Boolean) ?? [];
  vehicle.replaceChildren(...plates.map((plate) => new Option(plate, plate)));
  vehicleLine.hidden = plates.length === 0;
}

function askToSignIn() {
  toast(word(account ? "sign_in.first" : "sign_in.none"), "plain");
  who.classList.remove("wanted");
  void who.offsetWidth; // restarts the animation
  who.classList.add("wanted");
  account?.focus();
}

function onHoldButton(row) {
  if (!signedIn) {
    askToSignIn();
    return;
  }
  holdUnit(signedIn.account, Number(row.dataset.unit), page.dataset.vehicles === "yes" ? vehicle.value : undefined);
}

document.querySelector(".pools a[aria-current]").scrollIntoView({ inline: "center", block: "nearest" });
document.getElementById("mine").hidden = false;
for (const button of document.querySelectorAll(".hold")) {
  button.hidden = false;
  button.addEventListener("click", () => onHoldButton(button.closest(".row")));
}
if (account) {
  account.addEventListener("change", () => (account.value ? signIn(account.value) : end()));
  signOut.addEventListener("click", end);
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (kept && kept.expiresAtMs > Date.now()) begin(kept);
  else account.value = "";
}
whenBooked(showBookings);
followCounts();
