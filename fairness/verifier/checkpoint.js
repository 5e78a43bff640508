// Checkpoints of a log (c2sp.org/tlog-checkpoint) that a trust file believes.

import { fromBase64 } from "./bytes.js";
import { COSIGNATURE, SIGNATURE, openNote } from "./note.js";

const DECIMAL = /^(?:0|[1-9][0-9]*)$/;

/**
 * A checkpoint's three lines.
 * @param {string} text of its note
 * @returns {{origin: string, size: number, root: Uint8Array}}
 * @throws {Error} on what is no checkpoint, and on a size above 2^53 - 1
 */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the checkpoint does not end in a line feed");
  if (lines.length < 3) throw new Error("the checkpoint has fewer than three lines");
  if (lines.includes("")) throw new Error("the checkpoint has an empty line");
  const [origin, decimal, encoded] = lines;
  const size = Number(decimal);
  if (!DECIMAL.test(decimal) || !Number.isSafeInteger(size)) throw new Error("the checkpoint's size is not a number");
  const root = fromBase64(encoded);
  if (root.length !== 32) throw new Error(`the checkpoint's root has ${root.length} bytes, must have 32`);
  return { origin, size, root };
}

/**
 * A checkpoint that is signed by a believed log under its own origin and cosigned by the quorum.
 * @param {string} note
 * @param {import("./trust.js").Trust} trust
 * @returns {Promise<{origin: string, size: number, root: Uint8Array, logs: string[], times: Map<string, bigint>}>}
 *   `logs`: the ids of the keys of the log that signed; `times`: when each witness cosigned
 * @throws {Error} on a bad signature, or without the log's or a quorum's
 */
export async function openCheckpoint(note, trust) {
  const { text, signers } = await openNote(note, [...trust.logs, ...trust.witnesses.values()]);
  const checkpoint = parseCheckpoint(text);
  const logs = signers
    .filter(({ key }) => key.type === SIGNATURE && key.name === checkpoint.origin)
    .map(({ key }) => key.id);
  if (logs.length === 0) throw new Error(`no log of the trust file has signed the checkpoint of ${checkpoint.origin}`);
  const times = new Map();
  for (const [name, witness] of trust.witnesses) {
    const signer = signers.find(({ key }) => key === witness && key.type === COSIGNATURE);
    if (signer !== undefined) times.set(name, signer.time);
  }
  if (!trust.isQuorum(new Set(times.keys()))) {
    throw new Error(`the checkpoint of ${checkpoint.size} entries is cosigned by ${times.size} known witnesses: no quorum`);
  }
  return { ...checkpoint, logs, times };
}
