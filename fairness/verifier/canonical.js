// Canonical JSON (RFC 8785) of objects, arrays, strings and integers from 0 to 2^53 - 1 only.

import { utf8 } from "./bytes.js";

/** How many arrays and objects may stand one in another. */
export const DEEPEST = 32;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UNPAIRED_SURROGATE = /\p{Surrogate}/u;

/**
 * The one text of a value.
 * @param {unknown} value
 * @returns {string}
 * @throws {Error} on anything but objects, arrays, strings and whole numbers, on unpaired surrogates, and on what is
 *   nested too deep
 */
export function encode(value) {
  return write(value, 0);
}

/**
 * The value of bytes that are canonical. `JSON.parse` forgives spaces and repeated names, and rounds numbers; so the
 * value is written again and compared.
 * @param {Uint8Array} bytes
 * @returns {any}
 * @throws {Error} on bytes that are not the one encoding of what they say
 */
export function decode(bytes) {
  const text = decodeUtf8(bytes);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("not JSON");
  }
  // Well-formed UTF-8 and well-formed strings stand for each other one to one: texts are equal when their bytes are.
  if (encode(value) !== text) throw new Error("not canonical JSON: another order, space, escape or a repeated name");
  return value;
}

/**
 * As `decode`, of a text.
 * @param {string} text
 * @returns {any}
 * @throws {Error} as `decode`
 */
export function decodeText(text) {
  return decode(utf8(text));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {Error} on bytes that are not UTF-8
 */
export function decodeUtf8(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Error("not UTF-8");
  }
}

function write(value, depth) {
  if (typeof value === "string") return writeString(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error("a number is not a whole one from 0 to 2^53 - 1");
    return String(value);
  }
  if (typeof value !== "object" || value === null) throw new Error(`${value} has no place in this JSON`);
  if (depth === DEEPEST) throw new Error(`nested more than ${DEEPEST} deep`);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  // The default order of strings is by UTF-16 code units, as RFC 8785 has it.
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${writeString(name)}:${write(value[name], depth + 1)}`).join(",")}}`;
}

function writeString(text) {
  if (UNPAIRED_SURROGATE.test(text)) throw new Error("a string has half a surrogate pair");
  return JSON.stringify(text);
}
