// Compressed points for the tests: the way back from `decodeG1` and `decodeG2`.

import { bigEndian, concat } from "../../../fairness/verifier/bytes.js";
import { P } from "../../../fairness/verifier/bls12381_fields.js";

export function encodeG1({ x, y }) {
  return withFlags(bigEndian(x, 48), 2n * y > P);
}

export function encodeG2({ x: [x0, x1], y: [y0, y1] }) {
  return withFlags(concat(bigEndian(x1, 48), bigEndian(x0, 48)), 2n * (y1 === 0n ? y0 : y1) > P);
}

/** An x as it would be written, whether or not a point has it. */
export function withFlags(bytes, larger) {
  bytes[0] |= 0x80 | (larger ? 0x20 : 0);
  return bytes;
}
