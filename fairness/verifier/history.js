// Step 3: what the log says about a draw, in an order that makes sense.

import { equal, toHex, utf8 } from "./bytes.js";
import { readEntry } from "./entries.js";
import { leafHash } from "./merkle.js";

/**
 * A draw as its entries tell it. Indexes are those of the log.
 * @typedef {object} History
 * @property {number[]} keyIndexes of the contributors' keys
 * @property {any} announced
 * @property {any} frozen the freeze that counts
 * @property {number} frozenIndex
 * @property {Uint8Array} freeze C, its leaf hash
 * @property {{key: Uint8Array, proof: Uint8Array, index: number}[]} contributions in the order of the freeze
 * @property {any} finished
 */

/**
 * @param {{draw: string, round: number, entries: {text: string, index: number}[]}} header entries by ascending index
 * @returns {History}
 * @throws {Error} on entries that are not a draw's, whole and in order
 */
export function readHistory({ draw, round, entries }) {
  const told = entries.map(({ text, index }) => {
    try {
      return { ...readEntry(text), text, index };
    } catch (error) {
      throw new Error(`the entry at ${index}: ${error.message}`, { cause: error });
    }
  });
  for (const { kind, draw: name, index } of told) {
    if (kind !== "draw.key" && name !== draw) throw new Error(`the entry at ${index} is of the draw "${name}", not "${draw}"`);
  }
  const of = (kind) => told.filter((entry) => entry.kind === kind);
  const announced = only(of("draw.announced"), "the announcement");
  const finished = only(of("draw.finished"), "the result");
  if (told.at(-1) !== finished) throw new Error("an entry comes after the result");
  const freezes = of("draw.frozen").map((entry) => ({ ...entry, freeze: leafHash(utf8(entry.text)) }));
  const frozen = freezeThatCounts(freezes, of("draw.voided"));
  requireAgreement(announced, freezes, round);
  const keyIndexes = requireKeys(of("draw.key"), announced, freezes[0]);
  const contributions = requireContributions(of("draw.contributed"), frozen, freezes);
  if (!equal(finished.freeze, frozen.freeze)) throw new Error("the result names another freeze than the one that counts");
  const { freeze, index: frozenIndex } = frozen;
  return { keyIndexes, announced, frozen, frozenIndex, freeze, contributions, finished };
}

function only(entries, what) {
  if (entries.length !== 1) throw new Error(`${what}: ${entries.length} entries, must be one`);
  return entries[0];
}

/** The last freeze, if every earlier one was voided before the next was made, and nothing else was voided. */
function freezeThatCounts(freezes, voids) {
  if (freezes.length === 0) throw new Error("no freeze");
  const frozen = freezes.at(-1);
  for (const earlier of freezes.slice(0, -1)) {
    const next = freezes.find(({ index }) => index > earlier.index);
    if (!voids.some(({ freeze, index }) => equal(freeze, earlier.freeze) && index < next.index)) {
      throw new Error(`the freeze at ${next.index} comes after one at ${earlier.index} that is not void`);
    }
  }
  for (const { freeze, index } of voids) {
    if (equal(freeze, frozen.freeze)) throw new Error(`the freeze is void by the entry at ${index}`);
    if (!freezes.some((one) => equal(one.freeze, freeze) && one.index < index)) {
      throw new Error(`the entry at ${index} voids a freeze that is not before it`);
    }
  }
  return frozen;
}

function requireAgreement(announced, freezes, round) {
  if (announced.beacon.round !== round) throw new Error(`round ${announced.beacon.round} was announced, not ${round}`);
  for (const frozen of freezes) {
    if (announced.index > frozen.index) throw new Error("the announcement comes after a freeze");
    if (frozen.beacon.round !== announced.beacon.round || !equal(frozen.beacon.chain, announced.beacon.chain)) {
      throw new Error(`the freeze at ${frozen.index} is for another beacon or round than announced`);
    }
    if (hexOf(frozen.contributors) !== hexOf(announced.contributors)) {
      throw new Error(`the freeze at ${frozen.index} has other contributors than announced, or another order`);
    }
  }
}

const hexOf = (keys) => keys.map(toHex).join();

/** Each contributor's key is in the log once, before the first freeze, and nobody else's is shown. */
function requireKeys(entries, announced, firstFreeze) {
  const indexes = announced.contributors.map((contributor) => {
    const { index } = only(entries.filter(({ key }) => equal(key, contributor)), `the key ${toHex(contributor)}`);
    if (index > firstFreeze.index) throw new Error(`the key ${toHex(contributor)} comes after a freeze`);
    return index;
  });
  if (entries.length !== indexes.length) throw new Error("a key of somebody who is not a contributor");
  return indexes;
}

/** One of each contributor to the freeze that counts. Those to a voided one are history, and must be to one that is here. */
function requireContributions(entries, frozen, freezes) {
  for (const { freeze, index } of entries) {
    const to = freezes.find((one) => equal(one.freeze, freeze));
    if (!to) throw new Error(`the contribution at ${index} is to a freeze that is not here`);
    if (index < to.index) throw new Error(`the contribution at ${index} comes before its freeze`);
  }
  const counted = entries.filter(({ freeze }) => equal(freeze, frozen.freeze));
  if (counted.length > frozen.contributors.length) throw new Error("more contributions than contributors");
  return frozen.contributors.map((contributor) => {
    const of = counted.filter(({ key }) => equal(key, contributor));
    const { key, proof, index } = only(of, `the contribution of ${toHex(contributor)}`);
    return { key, proof, index };
  });
}
