// What decoded values must look like, member by member. Every check gives the value back, typed, or says what is wrong.

import { fromBase64, fromHex } from "./bytes.js";

// Without the control characters C0, DEL and C1; counted in code points.
const NAME = /^[^\u0000-\u001f\u007f-\u009f]{1,200}$/u;

/**
 * An object with exactly these members.
 * @param {any} value
 * @param {string[]} names
 * @param {string} what named in the error
 * @returns {any} the value
 * @throws {Error} on anything else
 */
export function requireMembers(value, names, what) {
  requireObject(value, what);
  const missing = names.filter((name) => !Object.hasOwn(value, name));
  if (missing.length) throw new Error(`${what} has no ${missing.join(", ")}`);
  const surplus = Object.keys(value).filter((name) => !names.includes(name));
  if (surplus.length) throw new Error(`${what} has a member that is not of it: ${surplus.join(", ")}`);
  return value;
}

/** @param {any} value @param {string} what @returns {any} an object @throws {Error} on anything else */
export function requireObject(value, what) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`);
  return value;
}

/**
 * @param {any} value
 * @param {{least?: number, most: number}} length
 * @param {string} what
 * @returns {any[]}
 * @throws {Error} on what is no array of this length
 */
export function requireArray(value, { least = 0, most }, what) {
  if (!Array.isArray(value)) throw new Error(`${what} is not an array`);
  if (value.length < least) throw new Error(`${what} has ${value.length} items, must have at least ${least}`);
  if (value.length > most) throw new Error(`${what} has ${value.length} items, may have at most ${most}`);
  return value;
}

/** @param {any} value @param {string} what @returns {string} @throws {Error} on what is no string */
export function requireString(value, what) {
  if (typeof value !== "string") throw new Error(`${what} is not a string`);
  return value;
}

/**
 * @param {any} value
 * @param {string} what
 * @returns {string}
 * @throws {Error} on what is not 1 to 200 characters without control characters
 */
export function requireName(value, what) {
  if (!NAME.test(requireString(value, what))) {
    throw new Error(`${what} is not a name of 1 to 200 characters without control characters`);
  }
  return value;
}

/**
 * @param {any} value
 * @param {any} only
 * @param {string} what
 * @throws {Error} on another value
 */
export function requireExactly(value, only, what) {
  if (value !== only) throw new Error(`${what} is not ${only}`);
}

/**
 * @param {any} value
 * @param {{least?: number, most?: number}} range
 * @param {string} what
 * @returns {number}
 * @throws {Error} on what is no whole number in the range
 */
export function requireInteger(value, { least = 0, most = Number.MAX_SAFE_INTEGER }, what) {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new Error(`${what} is not a whole number from ${least} to ${most}`);
  }
  return value;
}

/**
 * @param {any} value
 * @param {number} length bytes
 * @param {string} what
 * @returns {Uint8Array}
 * @throws {Error} on what is not lower-case hex of so many bytes
 */
export function requireHex(value, length, what) {
  if (typeof value !== "string" || value.length !== 2 * length || !/^[0-9a-f]*$/.test(value)) {
    throw new Error(`${what} is not ${length} bytes in lower-case hex`);
  }
  return fromHex(value);
}

/**
 * A proof of the log: hashes of 32 bytes in base64.
 * @param {any} value
 * @param {string} what
 * @returns {Uint8Array[]}
 * @throws {Error} on anything else
 */
export function requireProof(value, what) {
  // A tree of 2^53 leaves needs no more for any proof.
  return requireArray(value, { most: 64 }, what).map((text) => {
    const hash = fromBase64(text);
    if (hash.length !== 32) throw new Error(`${what} has a hash of ${hash.length} bytes, must have 32`);
    return hash;
  });
}
