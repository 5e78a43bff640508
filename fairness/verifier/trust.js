// The trust file: c2sp.org/tlog-policy and four kinds of line of our own. It is the auditor's; a bundle adds nothing.

import { fromHex, toHex, utf8 } from "./bytes.js";
import { decodeUtf8 } from "./canonical.js";
import { decodePublicKey } from "./ed25519.js";
import { COSIGNATURE, SIGNATURE, parseVerifierKey } from "./note.js";
import { requireName } from "./shapes.js";

/** Who is believed when nobody says otherwise: a round of drand's quicknet, and no log. */
export const DEFAULT_TRUST =
  "chain quicknet 52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971\nquorum none\n";

const DEFAULT_LEAD_S = 86_400;
const DEFAULT_MARGIN_S = 600;
const LONGEST_SHOWN = 40;
const DECIMAL = /^(?:0|[1-9][0-9]*)$/;
const HEX_32 = /^[0-9a-f]{64}$/;

/**
 * @typedef {object} Trust
 * @property {import("./note.js").VerifierKey[]} logs
 * @property {Map<string, import("./note.js").VerifierKey>} witnesses by their name in the file
 * @property {(cosigned: Set<string>) => boolean} isQuorum of witnesses' names
 * @property {boolean} asksForWitnesses false with `quorum none`
 * @property {Map<string, string>} contributors name by VRF key in hex
 * @property {Map<string, string>} chains name by chain hash in hex
 * @property {number} lead seconds
 * @property {number} margin seconds
 */

/**
 * @param {Uint8Array | string} file
 * @returns {Trust}
 * @throws {Error} that names the line
 */
export function parseTrust(file) {
  const parser = new Parser();
  const bytes = typeof file === "string" ? utf8(file) : file;
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    number += 1;
    const end = bytes.indexOf(0x0a, at);
    try {
      if (end < 0) throw new Error("it does not end in a line feed");
      parser.read(bytes.subarray(at, end));
    } catch (error) {
      throw new Error(`line ${number}: ${error.message}`, { cause: error });
    }
    at = end + 1;
  }
  return parser.finish(number);
}

class Parser {
  #logs = [];
  #witnesses = new Map();
  /** Names of witnesses and groups, with whether a set of witnesses satisfies them. */
  #satisfied = new Map();
  #members = new Set();
  #quorum = null;
  #asksForWitnesses = true;
  #contributors = new Map();
  #chains = new Map();
  #seconds = new Map();

  /** One line, without its line feed. */
  read(line) {
    for (const byte of line) {
      if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw new Error(`a control character, byte ${byte}`);
    }
    // A character for each byte: names are bytes that are compared, whatever they mean.
    const words = Array.from(line, (byte) => String.fromCharCode(byte)).join("").split(/[ \t]+/).filter(Boolean);
    if (words.length === 0 || words[0].startsWith("#")) return;
    const [keyword, ...rest] = words;
    const readers = {
      log: () => this.#readLog(expect(rest, 1, 2)),
      witness: () => this.#readWitness(expect(rest, 2, 3)),
      group: () => this.#readGroup(expect(rest, 3, Infinity)),
      quorum: () => this.#readQuorum(expect(rest, 1, 1)),
      contributor: () => this.#readContributor(expect(rest, 2, 2)),
      chain: () => this.#readChain(expect(rest, 2, 2)),
      lead: () => this.#readSeconds("lead", expect(rest, 1, 1)),
      margin: () => this.#readSeconds("margin", expect(rest, 1, 1)),
    };
    if (!Object.hasOwn(readers, keyword)) {
      throw new Error(`"${keyword.slice(0, LONGEST_SHOWN)}" begins no line of a trust file`);
    }
    readers[keyword]();
  }

  /** @returns {Trust} */
  finish(lines) {
    if (this.#quorum === null) throw new Error(`line ${lines + 1}: the file ends without a quorum`);
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      isQuorum: this.#quorum,
      asksForWitnesses: this.#asksForWitnesses,
      contributors: this.#contributors,
      chains: this.#chains,
      lead: this.#seconds.get("lead") ?? DEFAULT_LEAD_S,
      margin: this.#seconds.get("margin") ?? DEFAULT_MARGIN_S,
    };
  }

  #readLog([text]) {
    this.#logs.push(this.#newKey(text, SIGNATURE, this.#logs));
  }

  #readWitness([name, text]) {
    this.#define(name);
    this.#witnesses.set(name, this.#newKey(text, COSIGNATURE, [...this.#witnesses.values()]));
    this.#satisfied.set(name, (cosigned) => cosigned.has(name));
  }

  #newKey(text, type, others) {
    const key = parseVerifierKey(textOf(text));
    if (key.type !== type) throw new Error(`a key of type ${key.type} where type ${type} belongs`);
    if (others.some((one) => toHex(one.key) === toHex(key.key))) throw new Error(`the key of ${key.name} is there twice`);
    const known = [...this.#logs, ...this.#witnesses.values()];
    if (known.some((one) => one.name === key.name && one.id === key.id)) {
      throw new Error(`the name and id of ${key.name} are there twice`);
    }
    return key;
  }

  #readGroup([name, threshold, ...members]) {
    this.#define(name);
    for (const member of members) {
      if (!this.#satisfied.has(member)) throw new Error(`no witness or group "${member}" above this line`);
      if (this.#members.has(member)) throw new Error(`"${member}" is a member twice`);
      this.#members.add(member);
    }
    const needed = { all: members.length, any: 1 }[threshold] ?? decimalOf(threshold, "the threshold");
    if (needed < 1 || needed > members.length) throw new Error(`a threshold of ${needed} of ${members.length}`);
    const parts = members.map((member) => this.#satisfied.get(member));
    this.#satisfied.set(name, (cosigned) => parts.filter((part) => part(cosigned)).length >= needed);
  }

  #define(name) {
    if (name === "none") throw new Error('"none" names no witness and no group');
    if (this.#satisfied.has(name)) throw new Error(`"${name}" is there twice`);
  }

  #readQuorum([name]) {
    if (this.#quorum !== null) throw new Error("a second quorum");
    if (name === "none") {
      this.#asksForWitnesses = false;
      this.#quorum = () => true;
      return;
    }
    if (!this.#satisfied.has(name)) throw new Error(`no witness or group "${name}" above this line`);
    this.#quorum = this.#satisfied.get(name);
  }

  #readContributor([name, key]) {
    addNew(this.#contributors, name, key);
    decodePublicKey(fromHex(key));
  }

  #readChain([name, hash]) {
    addNew(this.#chains, name, hash);
  }

  #readSeconds(keyword, [text]) {
    if (this.#seconds.has(keyword)) throw new Error(`a second ${keyword}`);
    this.#seconds.set(keyword, decimalOf(text, `the ${keyword}`));
  }
}

function expect(words, least, most) {
  if (words.length < least || words.length > most) throw new Error("too few or too many words");
  return words;
}

/** Puts a name under 32 bytes of hex; neither may be there. */
function addNew(known, name, hex) {
  const told = requireName(textOf(name), "the name");
  if (!HEX_32.test(hex)) throw new Error("not 64 digits of lower-case hex");
  if (known.has(hex)) throw new Error(`${hex} is there twice`);
  if ([...known.values()].includes(told)) throw new Error(`"${told}" is there twice`);
  known.set(hex, told);
}

function decimalOf(text, what) {
  if (!DECIMAL.test(text) || !Number.isSafeInteger(Number(text))) throw new Error(`${what} is not a whole number`);
  return Number(text);
}

/** The text of a word's bytes. */
function textOf(word) {
  return decodeUtf8(Uint8Array.from(word, (character) => character.charCodeAt(0)));
}
