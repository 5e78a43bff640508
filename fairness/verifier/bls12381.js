// BLS signatures on BLS12-381, the signature in G1 and the key in G2 (draft-irtf-cfrg-bls-signature).

import { G1, G2, decodeG1, decodeG2 } from "./bls12381_curves.js";
import { productOfPairingsIsOne } from "./bls12381_pairing.js";
import { hashToG1 } from "./hash_to_g1.js";

/**
 * A public key that may verify: on the curve, in the subgroup, not the identity (KeyValidate, section 2.5).
 * @param {Uint8Array} publicKey 96 bytes, compressed
 * @returns {{x: bigint[], y: bigint[]}}
 * @throws {Error} that says which check failed
 */
export function decodePublicKeyG2(publicKey) {
  return decodeG2(publicKey, "the BLS public key");
}

/**
 * Whether a signature is the key's over the message: e(signature, G2) = e(H(message), key) (CoreVerify, section 2.7).
 * @param {Uint8Array | {x: bigint[], y: bigint[]}} publicKey 96 bytes, or what `decodePublicKeyG2` made of them
 * @param {Uint8Array} message
 * @param {Uint8Array} signature 48 bytes, compressed
 * @param {Uint8Array} dst the domain separation tag, 1 to 255 bytes
 * @returns {Promise<boolean>} false for a point of the group that is not the signature
 * @throws {Error} on a key or a signature that is no canonical point of its group, or is the identity
 */
export async function verifyG1Signature(publicKey, message, signature, dst) {
  const key = publicKey instanceof Uint8Array ? decodePublicKeyG2(publicKey) : publicKey;
  const point = decodeG1(signature, "the BLS signature");
  const hashed = await hashToG1(message, dst);
  if (hashed === null) throw new Error("the message hashes to the identity");
  return productOfPairingsIsOne([[G1.negate(point), G2.generator], [hashed, key]]);
}
