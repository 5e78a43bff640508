// Sentences by language and name.

import { EN } from "./texts_en.js";
import { ZH } from "./texts_zh.js";

/** The languages there are, with their own names. */
export const LANGUAGES = { "zh-CN": "中文", en: "English" };

const TEXTS = { "zh-CN": ZH, en: EN };

/**
 * The first language of a list that there is, English if none is.
 * @param {readonly string[]} preferred
 * @returns {string}
 */
export function languageOf(preferred) {
  for (const tag of preferred) {
    const [language] = tag.toLowerCase().split("-");
    if (language === "zh") return "zh-CN";
    if (language === "en") return "en";
  }
  return "en";
}

/**
 * A sentence with its braces filled in: numbers with separators, texts as they are.
 * @param {string} language
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 * @throws {Error} on a name that no sentence has
 */
export function sentence(language, name, values = {}) {
  const text = TEXTS[language][name];
  if (text === undefined) throw new Error(`no sentence "${name}" in ${language}`);
  return text.replace(/\{(\w+)\}/g, (_, key) => {
    const value = values[key];
    return typeof value === "number" ? value.toLocaleString(language) : String(value);
  });
}

/**
 * What a step that holds has found.
 * @param {string} language
 * @param {import("./verify.js").Step} step
 * @returns {string}
 */
export function noteOf(language, { name, note }) {
  return sentence(language, name === "times" && note.lead !== "" ? "note_times_lead" : `note_${name}`, note);
}

/**
 * What a receipt that holds says; what became of its holder is `line`'s to say.
 * @param {string} language
 * @param {import("./receipt.js").ReceiptVerdict} receipt
 * @param {import("./verify.js").Verdict | null} draw its bundle's
 * @returns {string[]} the most important first
 */
export function sentencesOf(language, { draw: name, listed, entrants, anonymous, log, times, line }, draw) {
  const say = (text, values) => sentence(language, text, values);
  const witnesses = [...times].map(([witness, time]) => say("receipt_witness", { name: witness, time: momentOf(time) })).sort();
  const said = [
    listed
      ? say("receipt_listed", { ...listed, place: listed.index + 1, entrants, draw: name })
      : say("receipt_absent", { entrants, draw: name }),
    say("receipt_logged", { log, witnesses: witnesses.join(", ") || say("none") }),
  ];
  if (anonymous) said.push(say("receipt_nobody"));
  if (draw === null) said.push(say("receipt_no_bundle"));
  if (line !== null) {
    const { tickets } = draw.outcomes.find((outcome) => outcome.name === line.category);
    const style = { style: "percent", maximumSignificantDigits: 3 };
    const percent = new Intl.NumberFormat(language, style).format(line.weight / tickets);
    said.push(say("receipt_odds", { weight: line.weight, tickets, percent }));
  }
  return said;
}

/** The moment of a cosignature, in seconds since 1970, which may be later than any calendar's. */
function momentOf(time) {
  const moment = new Date(Number(time) * 1000);
  return Number.isNaN(moment.getTime()) ? `1970 + ${time} s` : `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
