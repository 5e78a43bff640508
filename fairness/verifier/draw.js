// Seed and ranking: sections 4 and 6 of the specification.

import { compare, concat, utf8 } from "./bytes.js";
import { breathe } from "./breathe.js";
import { hmacSha256, sha256Sync } from "./hashes.js";

const SEED_KEY = utf8("gongdao/seed/v1");
const HASH_BYTES = 32;
const HASHES_AT_ONCE = 2048;
const SPARE_CANDIDATES = 1024;

/**
 * α, what contributors prove about.
 * @param {Uint8Array} freeze C
 * @returns {Uint8Array}
 */
export const contributionInput = (freeze) => concat(utf8("gongdao/vrf/v1\n"), freeze);

/**
 * @param {Uint8Array} freeze C
 * @param {Uint8Array} signature the beacon's, of the round
 * @param {Uint8Array[]} betas of the contributions, in the order of the freeze's contributors
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export const seedOf = (freeze, signature, betas) => hmacSha256(SEED_KEY, concat(freeze, signature, ...betas));

/**
 * @param {Uint8Array} seed the draw's
 * @param {string} category
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export const categorySeed = (seed, category) =>
  hmacSha256(seed, concat(utf8("category\n"), utf8(category), Uint8Array.of(0x01)));

/** Scores of one category: seed ‖ id_hash ‖ u32be(j) is one buffer of which only what changes is written. */
class Scorer {
  #message = new Uint8Array(2 * HASH_BYTES + 4);
  #key = new Uint8Array(HASH_BYTES);

  constructor(seed) {
    this.#message.set(seed);
  }

  /** Begins with an entrant's first key. */
  begin(idHash, best) {
    this.#message.set(idHash, HASH_BYTES);
    this.#message.fill(0, 2 * HASH_BYTES);
    sha256Sync(this.#message, best);
  }

  /** The entrant's key j, from 1, which replaces `best` if it is smaller. */
  improve(j, best) {
    this.#message[64] = j >>> 24;
    this.#message[65] = j >>> 16;
    this.#message[66] = j >>> 8;
    this.#message[67] = j;
    if (compare(sha256Sync(this.#message, this.#key), best) < 0) best.set(this.#key);
  }
}

/**
 * The smallest of as many keys as the weight.
 * @param {Uint8Array} seed the category's
 * @param {Uint8Array} idHash
 * @param {number} weight
 * @returns {Uint8Array} 32 bytes
 */
export function scoreOf(seed, idHash, weight) {
  const scorer = new Scorer(seed);
  const best = new Uint8Array(HASH_BYTES);
  scorer.begin(idHash, best);
  for (let j = 1; j < weight; j++) scorer.improve(j, best);
  return best;
}

/**
 * A category's result.
 * @typedef {object} Outcome
 * @property {string} name
 * @property {Uint8Array} seed the category's
 * @property {number} quota K
 * @property {number} entrants
 * @property {number} tickets
 * @property {number[]} winners entrants of the list, by rank
 * @property {Uint8Array[]} scores of the winners
 */

/** The best so far of a category: a few more than its places, cut back when there are too many. */
class Candidates {
  #best = [];
  #worst = null;

  constructor(quota) {
    this.quota = quota;
    this.enough = 2 * quota + SPARE_CANDIDATES;
  }

  /** @param {number} entrant who comes after all so far in the list @param {Uint8Array} score it is copied */
  offer(entrant, score) {
    // One with the score of the worst comes after it: the list is in the order of id_hash.
    if (this.quota === 0 || (this.#worst !== null && compare(score, this.#worst) >= 0)) return;
    this.#best.push({ entrant, score: score.slice() });
    if (this.#best.length >= this.enough) this.ranked();
  }

  /** @returns {{entrant: number, score: Uint8Array}[]} those who win, by rank */
  ranked() {
    this.#best.sort((a, b) => compare(a.score, b.score) || a.entrant - b.entrant);
    this.#best.length = Math.min(this.#best.length, this.quota);
    if (this.#best.length === this.quota && this.quota > 0) this.#worst = this.#best.at(-1).score;
    return this.#best;
  }
}

/**
 * Ranks a list, each category by its own seed.
 * @param {import("./entrants.js").EntrantList} list
 * @param {Map<string, number>} quotas
 * @param {Uint8Array} seed the draw's
 * @param {(done: number, of: number) => void} progress in keys
 * @returns {Promise<Outcome[]>} in the order of the list's categories
 */
export async function rank(list, quotas, seed, progress) {
  const seeds = await Promise.all(list.categories.map((name) => categorySeed(seed, name)));
  const scorers = seeds.map((each) => new Scorer(each));
  const candidates = list.categories.map((name) => new Candidates(quotas.get(name)));
  const best = new Uint8Array(HASH_BYTES);
  let hashed = 0;
  const pause = async () => {
    progress(hashed, list.tickets);
    await breathe();
  };
  for (let entrant = 0; entrant < list.length; entrant++) {
    const category = list.category(entrant);
    const scorer = scorers[category];
    scorer.begin(list.idHash(entrant), best);
    if (++hashed % HASHES_AT_ONCE === 0) await pause();
    for (let j = 1, weight = list.weight(entrant); j < weight; j++) {
      scorer.improve(j, best);
      if (++hashed % HASHES_AT_ONCE === 0) await pause();
    }
    candidates[category].offer(entrant, best);
  }
  progress(list.tickets, list.tickets);
  return list.categories.map((name, category) => {
    const ranked = candidates[category].ranked();
    return {
      name,
      seed: seeds[category],
      quota: quotas.get(name),
      entrants: list.entrantsOf[category],
      tickets: list.ticketsOf[category],
      winners: ranked.map(({ entrant }) => entrant),
      scores: ranked.map(({ score }) => score),
    };
  });
}
