// Bytes and their texts. Every decoder is strict: one value has one text, or a changed text could pass as unchanged.

const encoder = new TextEncoder();

/**
 * The UTF-8 bytes of a text.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function utf8(text) {
  return encoder.encode(text);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} lower-case hexadecimal
 */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Bytes of lower-case hexadecimal.
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {Error} on an odd length or a character outside 0-9a-f
 */
export function fromHex(text) {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/.test(text)) {
    throw new Error("not lower-case hexadecimal of whole bytes");
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/**
 * Padded base64 (RFC 4648, section 4).
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * Bytes of padded base64 (RFC 4648, section 4) whose unused bits are zero (section 3.5).
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {Error} on white space, another alphabet, missing or surplus padding, unused bits that are set
 */
export function fromBase64(text) {
  if (typeof text !== "string" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Error("not padded base64");
  }
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (toBase64(bytes) !== text) throw new Error("not canonical base64: unused bits are set");
  return bytes;
}

/**
 * @param {...Uint8Array} parts
 * @returns {Uint8Array} the parts one after the other
 * @throws {Error} on a part that is not bytes: a text would silently become zeros
 */
export function concat(...parts) {
  if (!parts.every((part) => part instanceof Uint8Array)) throw new Error("not a Uint8Array");
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * The order of two byte strings, byte by byte; a prefix comes before what it begins.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @returns {number} below, equal to or above zero
 */
export function compare(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

/**
 * Not constant-time: what a verifier compares is public.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @returns {boolean}
 */
export function equal(a, b) {
  return compare(a, b) === 0;
}

/**
 * An unsigned integer in big-endian order (I2OSP, RFC 8017, section 4.1).
 * @param {number | bigint} value
 * @param {number} length bytes
 * @returns {Uint8Array}
 * @throws {Error} on a negative, fractional or unsafe number, or one that does not fit
 */
export function bigEndian(value, length) {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Error(`${value} is not a safe integer`);
  let rest = BigInt(value);
  if (rest < 0n) throw new Error(`${value} is negative`);
  const bytes = new Uint8Array(length);
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (rest !== 0n) throw new Error(`${value} does not fit into ${length} bytes`);
  return bytes;
}

/**
 * As `bigEndian`, the bytes in the other order.
 * @param {number | bigint} value
 * @param {number} length bytes
 * @returns {Uint8Array}
 * @throws {Error} as `bigEndian`
 */
export function littleEndian(value, length) {
  return bigEndian(value, length).reverse();
}

/** @param {number | bigint} value @returns {Uint8Array} 2 bytes, big-endian @throws {Error} as `bigEndian` */
export const u16be = (value) => bigEndian(value, 2);

/** @param {number | bigint} value @returns {Uint8Array} 4 bytes, big-endian @throws {Error} as `bigEndian` */
export const u32be = (value) => bigEndian(value, 4);

/** @param {number | bigint} value @returns {Uint8Array} 8 bytes, big-endian @throws {Error} as `bigEndian` */
export const u64be = (value) => bigEndian(value, 8);

/**
 * The integer that big-endian bytes write (OS2IP, RFC 8017, section 4.2).
 * @param {Uint8Array} bytes
 * @returns {bigint}
 */
export function fromBigEndian(bytes) {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/**
 * The integer that little-endian bytes write.
 * @param {Uint8Array} bytes
 * @returns {bigint}
 */
export function fromLittleEndian(bytes) {
  // Not bytes.slice(): Node's Buffer would share its memory with the slice.
  return fromBigEndian(Uint8Array.from(bytes).reverse());
}

/**
 * Refuses what is not bytes of one length.
 * @param {Uint8Array} bytes
 * @param {number} length
 * @param {string} what named in the error
 * @throws {Error} on anything else
 */
export function requireLength(bytes, length, what) {
  if (!(bytes instanceof Uint8Array)) throw new Error(`${what} is not a Uint8Array`);
  if (bytes.length !== length) throw new Error(`${what} has ${bytes.length} bytes, must have ${length}`);
}
