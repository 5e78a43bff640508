// Signed notes and keys as text (c2sp.org/signed-note): Ed25519 alone, as a signature (type 0x01) and as a witness's
// cosignature with a time (type 0x04, c2sp.org/tlog-cosignature).

import { concat, fromBase64, fromBigEndian, toHex, utf8 } from "./bytes.js";
import { decodePublicKey, verifyEd25519 } from "./ed25519.js";
import { sha256Sync } from "./hashes.js";

/** The type of a log's signature. */
export const SIGNATURE = 0x01;
/** The type of a witness's cosignature. */
export const COSIGNATURE = 0x04;

const LATEST = 2n ** 63n - 1n;
const MOST_SIGNATURES = 100;
const KEY_NAME = /^[^\p{White_Space}+]+$/u;
// Everything below U+0020 but the line feed.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([^ ]+)$/u;

/**
 * A key whose signatures are believed.
 * @typedef {object} VerifierKey
 * @property {string} name
 * @property {number} type SIGNATURE or COSIGNATURE
 * @property {string} id four bytes in hex
 * @property {Uint8Array} key 32 bytes
 */

/**
 * A key's text: name+id+base64(type, key).
 * @param {string} text
 * @returns {VerifierKey}
 * @throws {Error} on what is no such text, an id that is not the key's, another type or a key that binds nobody
 */
export function parseVerifierKey(text) {
  const [name, id, ...rest] = text.split("+");
  if (rest.length === 0) throw new Error("not a key of the form name+id+base64");
  // The alphabet of base64 has a + too.
  const bytes = fromBase64(rest.join("+"));
  if (!KEY_NAME.test(name)) throw new Error("the key has no name, or one with a space");
  const [type, key] = [bytes[0], bytes.slice(1)];
  if (type !== SIGNATURE && type !== COSIGNATURE) throw new Error(`a key of type ${type} is not supported`);
  decodePublicKey(key);
  if (id !== keyId(name, type, key)) throw new Error(`the key's id is ${keyId(name, type, key)}, not ${id}`);
  return { name, type, id, key };
}

/** The id of a key: the first four bytes of SHA-256(name, line feed, type, key), in hex. */
function keyId(name, type, key) {
  return toHex(sha256Sync(concat(utf8(`${name}\n`), Uint8Array.of(type), key)).subarray(0, 4));
}

/**
 * A note's text and its signatures, none of them verified.
 * @param {string} note
 * @returns {{text: string, signatures: {name: string, id: string, bytes: Uint8Array}[]}}
 * @throws {Error} on what is no signed note
 */
export function parseNote(note) {
  if (CONTROL.test(note)) throw new Error("the note has a control character");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new Error("the note has no empty line before its signatures");
  const lines = note.slice(split + 2).split("\n");
  if (lines.pop() !== "") throw new Error("the note does not end in a line feed");
  if (lines.length === 0) throw new Error("the note has no signature");
  if (lines.length > MOST_SIGNATURES) throw new Error(`the note has more than ${MOST_SIGNATURES} signatures`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line) {
  const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
  if (name === undefined || !KEY_NAME.test(name)) throw new Error("a line under the note is not a signature");
  const bytes = fromBase64(encoded);
  if (bytes.length < 5) throw new Error(`the signature of ${name} is too short`);
  return { name, id: toHex(bytes.subarray(0, 4)), bytes: bytes.slice(4) };
}

/**
 * Who of those who are believed has signed a note. Signatures of others are ignored; one of theirs that is not good
 * refuses the note, and so does a second one of the same key.
 * @param {string} note
 * @param {VerifierKey[]} believed
 * @returns {Promise<{text: string, signers: {key: VerifierKey, time: bigint | null}[]}>} `time` of a cosignature
 * @throws {Error} on what is no signed note, and on a bad signature
 */
export async function openNote(note, believed) {
  const { text, signatures } = parseNote(note);
  const signers = [];
  for (const { name, id, bytes } of signatures) {
    const key = believed.find((one) => one.name === name && one.id === id);
    if (key === undefined) continue;
    if (signers.some((one) => one.key === key)) throw new Error(`${name} has signed twice`);
    signers.push({ key, time: await verifySignature(key, text, bytes) });
  }
  return { text, signers };
}

async function verifySignature({ name, type, key }, text, bytes) {
  const length = type === COSIGNATURE ? 72 : 64;
  if (bytes.length !== length) throw new Error(`the signature of ${name} has ${bytes.length} bytes, must have ${length}`);
  let [time, message] = [null, utf8(text)];
  if (type === COSIGNATURE) {
    time = fromBigEndian(bytes.subarray(0, 8));
    if (time < 1n || time > LATEST) throw new Error(`the cosignature of ${name} has a time that is none`);
    message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
  }
  if (!(await verifyEd25519(key, message, bytes.subarray(length - 64)))) {
    throw new Error(`the signature of ${name} does not fit the text`);
  }
  return time;
}
