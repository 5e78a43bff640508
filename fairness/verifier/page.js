// The verifier's page: files in, the steps as they go, the result, one's own line. It asks no network for anything.

import { Unreadable } from "./bundle.js";
import { lookUp } from "./own_line.js";
import { checkReceipt } from "./receipt.js";
import { languageOf } from "./texts.js";
import { DEFAULT_TRUST, parseTrust } from "./trust.js";
import { verify } from "./verify.js";
import { View, byId } from "./view.js";

/** Whoever checks has stopped the check. */
class Stopped extends Error {}

const FILES = ["bundle", "trust", "receipt"];
const page = {
  view: new View(languageOf(navigator.languages)),
  files: { bundle: null, trust: null, receipt: null },
  /** The check that runs. */
  check: null,
  held: [],
  verdict: null,
  /** A sentence's name and values. */
  trouble: null,
  receipt: null,
  own: { line: null, wrong: null },
};

function show() {
  const { view, verdict, held, check, trouble } = page;
  view.showTexts((language) => {
    page.view = new View(language);
    show();
  });
  for (const name of FILES) view.showFile(name, page.files[name]);
  view.showVerdict(trouble, verdict);
  view.showReceipt(page.receipt, verdict?.verified ? verdict : null);
  view.showResult(verdict?.verified ? verdict : null);
  showCheck(check !== null);
  showOwnLine();
  view.showSteps(held, { running: check !== null, failure: verdict?.failure ?? null });
}

function showCheck(running) {
  byId("start").disabled = nothingToCheck() || !globalThis.crypto?.subtle;
  // Not disabled, or whoever pressed it by a key would be nowhere.
  byId("start").setAttribute("aria-disabled", String(running));
  byId("start").textContent = page.view.say(running ? "checking" : "start");
  byId("stop").hidden = !running;
}

const nothingToCheck = () => page.files.bundle === null && page.files.receipt === null;

function showOwnLine() {
  const { line, wrong } = page.own;
  const outcome = page.verdict?.outcomes.find(({ name }) => name === line?.category);
  page.view.showOwnLine(line, { wrong, count: outcome?.winners.length ?? 0, demo: page.verdict?.demo ?? false });
}

function forget() {
  page.check?.stop();
  Object.assign(page, { check: null, held: [], verdict: null, trouble: null, receipt: null, own: { line: null, wrong: null } });
}

function choose(name, file) {
  if (!file) return;
  forget();
  page.files[name] = file;
  show();
}

async function start() {
  if (nothingToCheck() || page.check !== null) return;
  forget();
  let stopped = false;
  const check = { stop: () => (stopped = true) };
  page.check = check;
  show();
  const goOn = () => {
    if (stopped) throw new Stopped();
  };
  try {
    const trust = await readTrust();
    const verdict = page.files.bundle && (await verifyBundle(trust, goOn));
    goOn();
    const receipt = page.files.receipt && (await checkReceipt(await readReceipt(), trust, verdict));
    goOn();
    Object.assign(page, { verdict, receipt });
  } catch (error) {
    // Another check, or none, is what the page shows now.
    if (page.check !== check) return;
    page.trouble = troubleOf(error);
    if (page.trouble === null) throw error;
  } finally {
    if (page.check === check) {
      page.check = null;
      show();
    }
  }
}

function verifyBundle(trust, goOn) {
  return verify(page.files.bundle.stream(), trust, {
    demo: byId("demo").checked,
    progress(_, done, of) {
      goOn();
      page.view.showProgress(done, of);
    },
    onStep(step) {
      goOn();
      page.held.push(step);
      page.view.showSteps(page.held, { running: true, failure: null });
    },
  });
}

async function readReceipt() {
  try {
    return new Uint8Array(await page.files.receipt.arrayBuffer());
  } catch (error) {
    throw new UnusableReceipt(error.message, { cause: error });
  }
}

class UnusableReceipt extends Error {}

async function readTrust() {
  const { trust } = page.files;
  try {
    return parseTrust(trust === null ? DEFAULT_TRUST : new Uint8Array(await trust.arrayBuffer()));
  } catch (error) {
    throw new UnusableTrust(error.message, { cause: error });
  }
}

class UnusableTrust extends Error {}

function troubleOf(error) {
  if (error instanceof Stopped) return { name: "stopped" };
  if (error instanceof UnusableTrust) return { name: "unusable_trust", values: { reason: error.message } };
  if (error instanceof UnusableReceipt) return { name: "unusable_receipt", values: { reason: error.message } };
  if (error instanceof Unreadable) return { name: "unusable_bundle", values: { reason: error.message } };
  return null;
}

function findOwnLine() {
  const id = byId("line-id").value;
  const salt = byId("line-salt").value;
  page.own = { line: null, wrong: null };
  if (id === "") {
    page.own.wrong = "id_missing";
  } else {
    try {
      page.own.line = lookUp(page.verdict, id, salt);
    } catch (error) {
      if (error.constructor !== Error) throw error;
      page.own.wrong = "salt_wrong";
    }
  }
  showOwnLine();
  if (page.own.wrong) byId(page.own.wrong === "id_missing" ? "line-id" : "line-salt").focus();
}

for (const name of FILES) {
  const [input, zone] = [byId(name), byId(`drop-${name}`)];
  input.addEventListener("change", () => choose(name, input.files[0]));
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    choose(name, event.dataTransfer.files[0]);
  });
}
// A file that misses its place would replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
byId("demo").addEventListener("change", () => {
  forget();
  show();
});
byId("files").addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
byId("stop").addEventListener("click", () => {
  page.check?.stop();
  byId("start").focus();
});
byId("line").addEventListener("submit", (event) => {
  event.preventDefault();
  findOwnLine();
});
byId("no-crypto").hidden = Boolean(globalThis.crypto?.subtle);
show();
