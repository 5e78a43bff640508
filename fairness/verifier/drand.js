// The public beacon: drand's scheme bls-unchained-g1-rfc9380, that of quicknet. A round is verified, never trusted.

import { concat, equal, requireLength, toHex, u32be, u64be, utf8 } from "./bytes.js";
import { decodePublicKeyG2, verifyG1Signature } from "./bls12381.js";
import { sha256 } from "./hashes.js";

const DST = utf8("BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_");

/**
 * What makes a chain that chain.
 * @typedef {object} ChainInfo
 * @property {Uint8Array} publicKey 96 bytes
 * @property {number} period seconds between rounds
 * @property {number} genesisTime Unix seconds of round 1
 * @property {Uint8Array} genesisSeed drand's groupHash
 * @property {string} beaconId "quicknet" for quicknet
 */

/**
 * The hash that names a chain, as drand computes it: SHA-256 over u32be(period), u64be(genesis time), public key,
 * genesis seed and, unless it is empty or "default", the beacon's id.
 * @param {ChainInfo} info
 * @returns {Promise<Uint8Array>} 32 bytes
 * @throws {Error} on a number that does not fit
 */
export function hashChain({ publicKey, period, genesisTime, genesisSeed, beaconId }) {
  const id = beaconId === "default" ? "" : beaconId;
  return sha256(concat(u32be(period), u64be(genesisTime), publicKey, genesisSeed, utf8(id)));
}

/**
 * A chain whose parts give the hash it is trusted by.
 * @param {ChainInfo} info
 * @param {Uint8Array} chainHash 32 bytes, from whoever checks, not from whoever shows the round
 * @returns {Promise<ChainInfo & {key: object}>} for `verifyRound` and `timeOfRound`
 * @throws {Error} on parts that give another hash or have another length, a period or a genesis below one second, or
 *   a key that is no key
 */
export async function openChain(info, chainHash) {
  const { publicKey, period, genesisTime, genesisSeed } = info;
  if (!(period >= 1) || !(genesisTime >= 1)) throw new Error("the beacon's period and genesis must be positive");
  // Parts of fixed length can be put together in one way only; `decodePublicKeyG2` holds the key to its own.
  requireLength(genesisSeed, 32, "the beacon's genesis seed");
  requireLength(chainHash, 32, "the beacon's chain hash");
  const hash = await hashChain(info);
  if (!equal(hash, chainHash)) {
    throw new Error(`the beacon's parts give the chain hash ${toHex(hash)}, not ${toHex(chainHash)}`);
  }
  return { ...info, key: decodePublicKeyG2(publicKey) };
}

/**
 * When a round is made.
 * @param {ChainInfo} chain
 * @param {number} round from 1
 * @returns {number} Unix seconds
 * @throws {Error} on what is no round's number
 */
export function timeOfRound({ period, genesisTime }, round) {
  if (!Number.isSafeInteger(round) || round < 1) throw new Error(`${round} is not a beacon round's number`);
  return genesisTime + period * (round - 1);
}

/**
 * A round's randomness, if the signature is the chain's over SHA-256(u64be(round)).
 * @param {ChainInfo & {key: object}} chain from `openChain`
 * @param {number} round from 1
 * @param {Uint8Array} signature 48 bytes
 * @returns {Promise<Uint8Array>} SHA-256(signature)
 * @throws {Error} on what is no round's number, and on anything but that one signature
 */
export async function verifyRound(chain, round, signature) {
  timeOfRound(chain, round);
  const message = await sha256(u64be(round));
  if (!(await verifyG1Signature(chain.key, message, signature, DST))) {
    throw new Error(`the signature is not the beacon's for round ${round}`);
  }
  return sha256(signature);
}
