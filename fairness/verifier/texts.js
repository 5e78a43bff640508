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
