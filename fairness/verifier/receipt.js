// What an entrant checks: their own line, with the salt that only they have.

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
 * Looks an entrant up in a draw that was verified.
 * @param {{entrants: import("./entrants.js").EntrantList, outcomes: import("./draw.js").Outcome[]}} draw
 * @param {string} id its UTF-8 is hashed
 * @param {string} salt 64 digits of hex
 * @returns {OwnLine}
 * @throws {Error} on a salt that is none
 */
export function checkReceipt({ entrants, outcomes }, id, salt) {
  const digits = salt.trim().toLowerCase();
  if (!SALT.test(digits)) throw new Error("the salt is not 64 digits of hex");
  const idHash = sha256Sync(concat(fromHex(digits), utf8(id)));
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
