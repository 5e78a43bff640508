// Proofs that an entry is in a log, as one text (c2sp.org/tlog-proof).

import { fromBase64 } from "./bytes.js";

const FORMAT = "c2sp.org/tlog-proof@v1";
const MOST_HASHES = 63;
const INDEX = /^index (0|[1-9][0-9]*)$/;

/**
 * Takes a proof apart. Nothing is verified.
 * @param {string} text
 * @returns {{index: number, proof: Uint8Array[], note: string}} `note`: the checkpoint with its signatures
 * @throws {Error} on what is no such text, and on an index above 2^53 - 1
 */
export function parseTlogProof(text) {
  const split = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(split, 0)).split("\n");
  if (split < 0 || lines.shift() !== FORMAT) throw new Error(`not of the form ${FORMAT}`);
  if (lines[0]?.startsWith("extra ") && fromBase64(lines.shift().slice(6)).length === 0) throw new Error("its extra data is empty");
  const [, decimal] = INDEX.exec(lines.shift() ?? "") ?? [];
  const index = Number(decimal);
  if (!Number.isSafeInteger(index)) throw new Error("it has no index");
  if (lines.length > MOST_HASHES) throw new Error(`it has more than ${MOST_HASHES} hashes`);
  const proof = lines.map(fromBase64);
  if (proof.some(({ length }) => length !== 32)) throw new Error("one of its hashes has not 32 bytes");
  return { index, proof, note: text.slice(split + 2) };
}
