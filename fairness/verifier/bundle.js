// The evidence bundle as a stream of lines: three million entrants are never one text. Its header is step 0.

import { decode } from "./canonical.js";
import {
  requireArray, requireExactly, requireHex, requireInteger, requireMembers, requireName, requireProof, requireString,
} from "./shapes.js";

/** What the first and the last line name. */
export const FORMAT = "gongdao/draw-bundle/v1";

const HEADER_BYTES = 16 * 1024 * 1024;
const LINE_BYTES = 4 * 1024;
const MOST_CHECKPOINTS = 64;
const MOST_ENTRIES = 256;
const SCHEME = "bls-unchained-g1-rfc9380";
const LINE_FEED = 0x0a;

/** The source failed, not what it says. */
export class Unreadable extends Error {}

/** Lines of a stream, one at a time. */
export class LineReader {
  #chunks;
  #chunk = new Uint8Array(0);
  #at = 0;
  /** Bytes of the lines so far, for whoever shows progress. */
  bytesRead = 0;

  /** @param {ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>} source a Blob's stream, or a file's */
  constructor(source) {
    this.#chunks = chunksOf(source);
  }

  /**
   * The next line without its line feed, if it is in memory.
   * @param {number} [limit] bytes, with the line feed
   * @returns {Uint8Array | undefined} valid until the next one is asked for
   * @throws {Error} on a longer line
   */
  take(limit = LINE_BYTES) {
    const end = this.#chunk.indexOf(LINE_FEED, this.#at);
    if (end < 0) return undefined;
    const line = this.#chunk.subarray(this.#at, end);
    requireShort(line.length + 1, limit);
    this.#at = end + 1;
    this.bytesRead += line.length + 1;
    return line;
  }

  /**
   * The next line without its line feed.
   * @param {number} [limit] bytes, with the line feed
   * @returns {Promise<Uint8Array | null>} null at the end
   * @throws {Error} on a longer line, and on a last one without a line feed
   * @throws {Unreadable} if the source fails
   */
  async next(limit = LINE_BYTES) {
    for (;;) {
      const line = this.take(limit);
      if (line !== undefined) return line;
      const rest = this.#chunk.subarray(this.#at);
      requireShort(rest.length, limit);
      const more = await this.#pull();
      if (more === null) {
        if (rest.length) throw new Error("the last line has no line feed");
        return null;
      }
      this.#chunk = new Uint8Array(rest.length + more.length);
      this.#chunk.set(rest);
      this.#chunk.set(more, rest.length);
      this.#at = 0;
    }
  }

  async #pull() {
    try {
      const { done, value } = await this.#chunks.next();
      return done ? null : value;
    } catch (error) {
      throw new Unreadable(error.message, { cause: error });
    }
  }

  /** Lets go of the source. */
  async close() {
    await this.#chunks.return();
  }
}

/** Some browsers' streams cannot be iterated, so the reader is asked. */
async function* chunksOf(source) {
  if (typeof source.getReader !== "function") {
    yield* source;
    return;
  }
  const reader = source.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

function requireShort(length, limit) {
  if (length > limit) throw new Error(`a line is longer than ${limit} bytes`);
}

/**
 * @typedef {object} Header
 * @property {string} draw
 * @property {import("./drand.js").ChainInfo} chain
 * @property {number} round
 * @property {Uint8Array} signature
 * @property {{note: string, proof: Uint8Array[]}[]} checkpoints
 * @property {{text: string, index: number, proof: Uint8Array[]}[]} entries
 */

/**
 * The bundle's first line.
 * @param {LineReader} lines
 * @returns {Promise<Header>}
 * @throws {Error} on what is not well-formed
 * @throws {Unreadable} if the source fails
 */
export async function readHeader(lines) {
  const line = await lines.next(HEADER_BYTES);
  if (line === null) throw new Error("the bundle is empty");
  const told = requireMembers(decode(line), ["beacon", "checkpoints", "draw", "entries", "format"], "the header");
  requireExactly(told.format, FORMAT, "the format");
  requireMembers(told.beacon, ["chain", "round", "signature"], "the beacon");
  return {
    draw: requireName(told.draw, "the draw"),
    chain: readChain(told.beacon.chain),
    round: requireInteger(told.beacon.round, { least: 1 }, "the round"),
    signature: requireHex(told.beacon.signature, 48, "the round's signature"),
    checkpoints: requireArray(told.checkpoints, { least: 1, most: MOST_CHECKPOINTS }, "checkpoints").map(readCheckpoint),
    entries: requireArray(told.entries, { least: 1, most: MOST_ENTRIES }, "entries").map(readLoggedEntry),
  };
}

function readChain(told) {
  const names = ["beacon_id", "genesis_seed", "genesis_time", "period", "public_key", "scheme"];
  requireMembers(told, names, "the chain");
  requireExactly(told.scheme, SCHEME, "the chain's scheme");
  return {
    beaconId: requireString(told.beacon_id, "the beacon's id"),
    // Of one length: else the seed's end and the beacon's id could be told apart in more than one way.
    genesisSeed: requireHex(told.genesis_seed, 32, "the genesis seed"),
    genesisTime: requireInteger(told.genesis_time, { least: 1 }, "the genesis time"),
    period: requireInteger(told.period, { least: 1, most: 2 ** 32 - 1 }, "the period"),
    publicKey: requireHex(told.public_key, 96, "the beacon's public key"),
  };
}

function readCheckpoint(told, number) {
  const what = `checkpoint ${number + 1}`;
  requireMembers(told, ["note", "proof"], what);
  return { note: requireString(told.note, `the note of ${what}`), proof: requireProof(told.proof, `the proof of ${what}`) };
}

function readLoggedEntry(told, number) {
  const what = `entry ${number + 1}`;
  requireMembers(told, ["entry", "index", "proof"], what);
  return {
    text: requireString(told.entry, `the text of ${what}`),
    index: requireInteger(told.index, {}, `the index of ${what}`),
    proof: requireProof(told.proof, `the proof of ${what}`),
  };
}
