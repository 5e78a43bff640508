// What became of one entrant in a draw that was verified.

import { concat, fromHex, toHex, utf8 } from "./bytes.js";
import { scoreOf } from "./draw.js";
import { sha256Sync } from "./hashes.js";

const SALT = /^[0-9a-f]{64}$/;

/**
 * @typedef {object} OwnLine
 * @property {string} idHash in hex
 * @property {boolean} listed whether somebody in the list has it
 * @property {string} [category]
 * @property {number} [weight]
 * @property {string} [score] in hex
 * @property {string} [cutoff] in hex; empty without winners
 * @property {number | null} [rank] null without a place
 */

/**
 * Who an entrant is in a list.
 * @param {string} id its UTF-8 is hashed
 * @param {Uint8Array} salt
 * @returns {Uint8Array} 32 bytes
 */
export const hashId = (id, salt) => sha256Sync(concat(salt, utf8(id)));

/**
 * Looks an entrant up by id and salt.
 * @param {{entrants: import("./entrants.js").EntrantList, outcomes: import("./draw.js").Outcome[]}} draw
 * @param {string} id
 * @param {string} salt 64 digits of hex
 * @returns {OwnLine}
 * @throws {Error} on a salt that is none
 */
export function lookUp(draw, id, salt) {
  const digits = salt.trim().toLowerCase();
  if (!SALT.test(digits)) throw new Error("the salt is not 64 digits of hex");
  return lineOf(draw, hashId(id, fromHex(digits)));
}

/**
 * Looks an entrant up by id_hash.
 * @param {{entrants: import("./entrants.js").EntrantList, outcomes: import("./draw.js").Outcome[]}} draw
 * @param {Uint8Array} idHash 32 bytes
 * @returns {OwnLine}
 */
export function lineOf({ entrants, outcomes }, idHash) {
  const entrant = entrants.find(idHash);
  if (entrant === null) return { idHash: toHex(idHash), listed: false };
  const { name, seed, winners, scores } = outcomes[entrants.category(entrant)];
  const weight = entrants.weight(entrant);
  const score = scoreOf(seed, idHash, weight);
  const place = winners.indexOf(entrant);
  return {
    idHash: toHex(idHash),
    listed: true,
    category: name,
    weight,
    score: toHex(score),
    cutoff: scores.length ? toHex(scores.at(-1)) : "",
    rank: place < 0 ? null : place + 1,
  };
}
