// An entrant's receipt: its steps, section 9 of the specification, in their order up to the first that fails.

import { compare, concat, equal, fromHex, toHex, u32be, utf8 } from "./bytes.js";
import { decode } from "./canonical.js";
import { openCheckpoint } from "./checkpoint.js";
import { readEntry } from "./entries.js";
import { leafHash, requireInclusion } from "./merkle.js";
import { hashId, lineOf } from "./own_line.js";
import {
  requireArray, requireExactly, requireHex, requireInteger, requireMembers, requireProof, requireString,
} from "./shapes.js";
import { parseTlogProof } from "./tlog_proof.js";

const FORMAT = "gongdao/draw-receipt/v1";
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_WEIGHT = 1_000_000;
const LINE_FEED = 0x0a;

/** The steps by number; each throws an `Error` with the reason when it fails. */
const RUN = [
  { name: "read", run: read },
  { name: "id", run: checkId },
  { name: "list", run: checkList },
  { name: "log", run: checkLog },
  { name: "bundle", run: checkBundle },
];

/** The steps' names by number. */
export const RECEIPT_STEPS = RUN.map(({ name }) => name);

/**
 * @typedef {object} ReceiptVerdict
 * @property {boolean} holds
 * @property {{step: number, name: string, reason: string} | null} failure
 * @property {string | null} draw its name, where the receipt holds, as for all that follows
 * @property {string | null} idHash in hex
 * @property {boolean} anonymous it tells no id and no salt
 * @property {{category: string, weight: number, index: number} | null} listed null where it shows an absence
 * @property {number | null} entrants how many are in the list
 * @property {string | null} log the log's origin
 * @property {Map<string, bigint>} times when each witness cosigned the log
 * @property {import("./own_line.js").OwnLine | null} line what became of them; null without a bundle and of an absence
 */

/**
 * Checks a receipt's file.
 * @param {Uint8Array} bytes
 * @param {import("./trust.js").Trust} trust
 * @param {import("./verify.js").Verdict | null} [bundle] what was found of the draw's bundle, if there is one
 * @returns {Promise<ReceiptVerdict>}
 */
export async function checkReceipt(bytes, trust, bundle = null) {
  const found = { bytes, trust, bundle, line: null };
  let failure = null;
  let step = 0;
  try {
    for (; step < RUN.length; step++) await RUN[step].run(found);
  } catch (error) {
    // Reasons are plain errors; whatever else there is says nothing about the receipt.
    if (error.constructor !== Error) throw error;
    failure = { step, name: RECEIPT_STEPS[step], reason: error.message };
  }
  if (failure !== null) {
    const nothing = { draw: null, idHash: null, anonymous: false, listed: null, entrants: null, log: null };
    return { holds: false, failure, ...nothing, times: new Map(), line: null };
  }
  const { receipt, checkpoint, own, line } = found;
  return {
    holds: true,
    failure,
    draw: receipt.frozen.draw,
    idHash: toHex(receipt.idHash),
    anonymous: receipt.salt === null,
    listed: own && { category: own.category, weight: own.weight, index: own.index },
    entrants: receipt.frozen.entrants,
    log: checkpoint.origin,
    times: checkpoint.times,
    line,
  };
}

function read(found) {
  const { bytes } = found;
  if (bytes.length > MOST_BYTES) throw new Error(`longer than ${MOST_BYTES} bytes`);
  if (bytes.at(-1) !== LINE_FEED) throw new Error("the line has no line feed");
  const names = ["format", "freeze", "id", "id_hash", "lines", "log", "salt"];
  const told = requireMembers(decode(bytes.subarray(0, -1)), names, "the receipt");
  requireExactly(told.format, FORMAT, "the format");
  const text = requireString(told.freeze, "the freeze");
  const frozen = readEntry(text);
  requireExactly(frozen.kind, "draw.frozen", "the kind of the freeze");
  const id = requireString(told.id, "the id");
  if ((id === "") !== (told.salt === "")) throw new Error("id and salt are told both or not at all");
  found.receipt = {
    text,
    frozen,
    id,
    salt: id === "" ? null : requireHex(told.salt, 32, "the salt"),
    idHash: requireHex(told.id_hash, 32, "the id_hash"),
    lines: requireArray(told.lines, { least: 1, most: 2 }, "lines").map(readLine),
    log: requireString(told.log, "the log's proof"),
  };
}

function readLine(told, number) {
  const what = `line ${number + 1}`;
  requireMembers(told, ["category", "id_hash", "index", "proof", "weight"], what);
  return {
    idHash: requireHex(told.id_hash, 32, `the id_hash of ${what}`),
    weight: requireInteger(told.weight, { least: 1, most: MOST_WEIGHT }, `the weight of ${what}`),
    category: requireString(told.category, `the category of ${what}`),
    index: requireInteger(told.index, {}, `the index of ${what}`),
    proof: requireProof(told.proof, `the proof of ${what}`),
  };
}

function checkId({ receipt: { id, salt, idHash } }) {
  if (salt !== null && !equal(hashId(id, salt), idHash)) throw new Error("the id_hash is not that of the id and the salt");
}

/** One's own line, or the two between which it would be; where it would be the first or the last, one. */
function checkList(found) {
  const { frozen, idHash, lines } = found.receipt;
  found.own = lines.length === 1 && equal(lines[0].idHash, idHash) ? lines[0] : null;
  if (found.own === null) requireNeighbours(lines, idHash, frozen.entrants);
  for (const { idHash: hash, weight, category, index, proof } of lines) {
    if (!frozen.quotas.has(category)) throw new Error("the category of a line has no quota");
    const leaf = leafHash(concat(hash, u32be(weight), utf8(category)));
    requireInclusion(leaf, index, frozen.entrants, proof, frozen.root);
  }
}

function requireNeighbours(lines, idHash, entrants) {
  const below = lines.filter((line) => compare(line.idHash, idHash) < 0);
  const above = lines.filter((line) => compare(line.idHash, idHash) > 0);
  if (below.length + above.length !== lines.length) throw new Error("a line of the id_hash itself, and another");
  if (below.length > 1 || above.length > 1) throw new Error("the two lines are on the same side of the id_hash");
  const next = below.length ? below[0].index + 1 : 0;
  if (next !== (above.length ? above[0].index : entrants)) throw new Error("the two are not neighbours");
}

async function checkLog(found) {
  const { text, log } = found.receipt;
  const { index, proof, note } = parseTlogProof(log);
  found.checkpoint = await openCheckpoint(note, found.trust);
  requireInclusion(leafHash(utf8(text)), index, found.checkpoint.size, proof, found.checkpoint.root);
}

function checkBundle(found) {
  const { bundle, receipt, own } = found;
  if (bundle === null) return;
  if (!bundle.verified) {
    const { step, name, reason } = bundle.failure;
    throw new Error(`the bundle is refused at step ${step}, ${name}: ${reason}`);
  }
  const freeze = leafHash(utf8(receipt.text));
  if (!equal(freeze, fromHex(bundle.freeze))) throw new Error(`it is of the freeze ${bundle.freeze}, the receipt of another`);
  if (own !== null) found.line = lineOf(bundle, receipt.idHash);
}
