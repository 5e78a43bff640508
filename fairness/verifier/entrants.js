// Step 6: the list of entrants, kept in flat arrays: a hundred million bytes for three million people, not a gigabyte.

import { concat, equal, toHex, utf8 } from "./bytes.js";
import { breathe } from "./breathe.js";
import { CompactRange } from "./merkle.js";
import { sha256Sync } from "./hashes.js";

const HASH_BYTES = 32;
const MOST_WEIGHT = 1_000_000;
const LINES_AT_ONCE = 512;
// ["<64 digits>",<weight>,"<category>"]
const DIGITS_AT = 2;
const WEIGHT_AT = DIGITS_AT + 2 * HASH_BYTES + 2;
const [BRACKET, QUOTE, COMMA, END_BRACKET, ZERO, NINE] = utf8('[",]09');

const NIBBLES = new Int8Array(256).fill(-1);
for (const [value, digit] of utf8("0123456789abcdef").entries()) NIBBLES[digit] = value;

/** Entrants in strictly ascending order of their id_hash. */
export class EntrantList {
  #idHashes = new Uint8Array(1024 * HASH_BYTES);
  #weights = new Uint32Array(1024);
  #categories = new Uint32Array(1024);
  length = 0;
  tickets = 0;

  /** @param {string[]} categories their names, which entrants have by number */
  constructor(categories) {
    this.categories = categories;
    this.entrantsOf = new Float64Array(categories.length);
    this.ticketsOf = new Float64Array(categories.length);
  }

  /** @param {number} entrant @returns {Uint8Array} 32 bytes, not to be changed */
  idHash(entrant) {
    return this.#idHashes.subarray(entrant * HASH_BYTES, (entrant + 1) * HASH_BYTES);
  }

  /** @param {number} entrant @returns {number} */
  weight(entrant) {
    return this.#weights[entrant];
  }

  /** @param {number} entrant @returns {number} the category's place in `categories` */
  category(entrant) {
    return this.#categories[entrant];
  }

  /**
   * Whoever has this id_hash.
   * @param {Uint8Array} idHash 32 bytes
   * @returns {number | null} null when nobody has
   */
  find(idHash) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareAt(middle, idHash) < 0) low = middle + 1;
      else high = middle;
    }
    return low < this.length && this.#compareAt(low, idHash) === 0 ? low : null;
  }

  /**
   * @param {Uint8Array} idHash it is copied
   * @param {number} weight
   * @param {number} category
   * @throws {Error} on an id_hash that is not above the last one
   */
  append(idHash, weight, category) {
    if (this.length > 0 && this.#compareAt(this.length - 1, idHash) >= 0) {
      throw new Error("its id_hash is not above the one before it");
    }
    if (this.length === this.#weights.length) this.#grow();
    this.#idHashes.set(idHash, this.length * HASH_BYTES);
    this.#weights[this.length] = weight;
    this.#categories[this.length] = category;
    this.length += 1;
    this.tickets += weight;
    this.entrantsOf[category] += 1;
    this.ticketsOf[category] += weight;
  }

  #compareAt(entrant, idHash) {
    const at = entrant * HASH_BYTES;
    for (let i = 0; i < HASH_BYTES; i++) {
      const difference = this.#idHashes[at + i] - idHash[i];
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #grow() {
    const grown = (old) => {
      const larger = new old.constructor(2 * old.length);
      larger.set(old);
      return larger;
    };
    this.#idHashes = grown(this.#idHashes);
    this.#weights = grown(this.#weights);
    this.#categories = grown(this.#categories);
  }
}

/**
 * The lines of the list, held against the freeze.
 * @param {import("./bundle.js").LineReader} lines
 * @param {{entrants: number, tickets: number, root: Uint8Array, quotas: Map<string, number>}} frozen
 * @param {(done: number, of: number) => void} progress
 * @returns {Promise<EntrantList>}
 * @throws {Error} on a line, a number or a root that is not the freeze's
 * @throws {import("./bundle.js").Unreadable} if the source fails
 */
export async function readEntrants(lines, frozen, progress) {
  const categories = [...frozen.quotas.keys()];
  const list = new EntrantList(categories);
  const parser = new LineParser(categories);
  const tree = new CompactRange();
  const leaf = new Uint8Array(HASH_BYTES);
  for (let entrant = 0; entrant < frozen.entrants; entrant++) {
    try {
      const line = lines.take() ?? (await lines.next());
      if (line === null) throw new Error("the list ends before it");
      const { idHash, weight, category, record } = parser.parse(line);
      list.append(idHash, weight, category);
      tree.append(sha256Sync(record, leaf));
    } catch (error) {
      // What is no plain Error is no fault of the line.
      if (error.constructor !== Error) throw error;
      throw new Error(`entrant ${entrant + 1} of ${frozen.entrants}: ${error.message}`, { cause: error });
    }
    if (entrant % LINES_AT_ONCE === 0) {
      progress(entrant, frozen.entrants);
      await breathe();
    }
  }
  progress(frozen.entrants, frozen.entrants);
  if (list.tickets !== frozen.tickets) throw new Error(`${list.tickets} tickets, ${frozen.tickets} were frozen`);
  const root = tree.root();
  if (!equal(root, frozen.root)) throw new Error(`the list's root is ${toHex(root)}, ${toHex(frozen.root)} was frozen`);
  return list;
}

/** Reads lines without making an object of each: the grammar is one, so no JSON is parsed. */
class LineParser {
  #numbers = new Map();
  /** For each category 0x00, then a record: what a leaf's hash is made of. */
  #records;
  #parsed = { idHash: new Uint8Array(HASH_BYTES), weight: 0, category: 0, record: new Uint8Array(0) };

  constructor(categories) {
    this.#records = categories.map((name) => concat(new Uint8Array(1 + HASH_BYTES + 4), utf8(name)));
    for (const [number, name] of categories.entries()) this.#numbers.set(keyOf(utf8(JSON.stringify(name))), number);
  }

  /** @param {Uint8Array} line @returns what is valid until the next line @throws {Error} on what is not the one text */
  parse(line) {
    const parsed = this.#parsed;
    if (line[0] !== BRACKET || line[1] !== QUOTE || line[WEIGHT_AT - 2] !== QUOTE || line[WEIGHT_AT - 1] !== COMMA) {
      throw new Error("not of the form [\"<id_hash>\",<weight>,\"<category>\"]");
    }
    for (let i = 0; i < HASH_BYTES; i++) {
      const [high, low] = [NIBBLES[line[DIGITS_AT + 2 * i]], NIBBLES[line[DIGITS_AT + 2 * i + 1]]];
      if (high < 0 || low < 0) throw new Error("its id_hash is not lower-case hex");
      parsed.idHash[i] = (high << 4) | low;
    }
    let at = WEIGHT_AT;
    let weight = 0;
    for (; line[at] >= ZERO && line[at] <= NINE && weight <= MOST_WEIGHT; at++) weight = 10 * weight + line[at] - ZERO;
    if (line[WEIGHT_AT] === ZERO || weight < 1 || weight > MOST_WEIGHT) {
      throw new Error(`its weight is not a whole number from 1 to ${MOST_WEIGHT}`);
    }
    if (line[at] !== COMMA || line[line.length - 1] !== END_BRACKET) {
      throw new Error("not of the form [\"<id_hash>\",<weight>,\"<category>\"]");
    }
    const category = this.#numbers.get(keyOf(line.subarray(at + 1, line.length - 1)));
    if (category === undefined) throw new Error("its category has no quota, or is not written canonically");
    parsed.weight = weight;
    parsed.category = category;
    parsed.record = this.#records[category];
    parsed.record.set(parsed.idHash, 1);
    parsed.record[33] = weight >>> 24;
    parsed.record[34] = weight >>> 16;
    parsed.record[35] = weight >>> 8;
    parsed.record[36] = weight;
    return parsed;
  }
}

/** Bytes as the key of a Map. */
function keyOf(bytes) {
  return String.fromCharCode(...bytes);
}
