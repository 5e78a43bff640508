// Merkle trees of RFC 6962, section 2.1, and their proofs, verified as RFC 9162, sections 2.1.3.2 and 2.1.4.2, says.

import { concat, equal } from "./bytes.js";
import { sha256Sync } from "./hashes.js";

const LEAF = Uint8Array.of(0x00);
const EMPTY_ROOT = sha256Sync(new Uint8Array(0));

/** @param {Uint8Array} entry @returns {Uint8Array} SHA-256(0x00, entry) */
export const leafHash = (entry) => sha256Sync(concat(LEAF, entry));

const pair = new Uint8Array(65);
pair[0] = 0x01;

/**
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 * @param {Uint8Array} [digest] where the hash goes; may be one of the two
 * @returns {Uint8Array} SHA-256(0x01, left, right)
 */
export function nodeHash(left, right, digest) {
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256Sync(pair, digest);
}

/**
 * Refuses a proof that does not show a leaf in a tree (RFC 9162, section 2.1.3.2).
 * @param {Uint8Array} leaf the leaf's hash
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array[]} proof
 * @param {Uint8Array} root
 * @throws {Error} if the leaf is not at that index of that tree, as far as the proof shows
 */
export function requireInclusion(leaf, index, size, proof, root) {
  if (index >= size) throw new Error(`index ${index} is not in a tree of ${size}`);
  // BigInt: sizes pass 2^32, where JavaScript's shifts end.
  let [node, last] = [BigInt(index), BigInt(size) - 1n];
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw new Error("the inclusion proof is too long");
    if ((node & 1n) === 1n || node === last) {
      hash = nodeHash(sibling, hash);
      while ((node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) throw new Error("the inclusion proof is too short");
  if (!equal(hash, root)) throw new Error("the inclusion proof does not lead to the tree's root");
}

/**
 * Refuses a proof that does not show one tree to begin another (RFC 9162, section 2.1.4.2).
 * @param {{size: number, root: Uint8Array}} first
 * @param {{size: number, root: Uint8Array}} second
 * @param {Uint8Array[]} proof
 * @throws {Error} if the first is not the beginning of the second, as far as the proof shows
 */
export function requireConsistency(first, second, proof) {
  if (first.size > second.size) throw new Error(`a tree of ${first.size} does not begin one of ${second.size}`);
  if (first.size === 0 || first.size === second.size) {
    if (proof.length) throw new Error("nothing is to be proved, and there is a consistency proof");
    const root = first.size === 0 ? EMPTY_ROOT : second.root;
    if (!equal(first.root, root)) throw new Error(`another root than that of the tree of ${first.size}`);
    return;
  }
  let [node, last] = [BigInt(first.size) - 1n, BigInt(second.size) - 1n];
  const wholeTree = (node & (node + 1n)) === 0n;
  const path = wholeTree ? [first.root, ...proof] : proof;
  if (proof.length === 0) throw new Error("the consistency proof is empty");
  while ((node & 1n) === 1n) [node, last] = [node >> 1n, last >> 1n];
  let [older, newer] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    if (last === 0n) throw new Error("the consistency proof is too long");
    if ((node & 1n) === 1n || node === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while ((node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      newer = nodeHash(newer, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) throw new Error("the consistency proof is too short");
  if (!equal(older, first.root)) throw new Error("the consistency proof does not lead to the earlier root");
  if (!equal(newer, second.root)) throw new Error("the consistency proof does not lead to the later root");
}

/** A tree that grows leaf by leaf and keeps one hash of each perfect subtree only: its root needs no list of leaves. */
export class CompactRange {
  #size = 0;
  /** The perfect subtree of 2^level leaves, in use where the size has that bit. */
  #subtrees = [];
  #carried = new Uint8Array(32);

  /** @param {Uint8Array} leaf a leaf's hash; it is copied */
  append(leaf) {
    this.#carried.set(leaf);
    let level = 0;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      nodeHash(this.#subtrees[level], this.#carried, this.#carried);
      level += 1;
    }
    this.#subtrees[level] ??= new Uint8Array(32);
    this.#subtrees[level].set(this.#carried);
    this.#size += 1;
  }

  /** @returns {Uint8Array} the Merkle tree hash of the leaves so far */
  root() {
    let hash = null;
    for (let level = 0, rest = this.#size; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      hash = hash === null ? this.#subtrees[level].slice() : nodeHash(this.#subtrees[level], hash);
    }
    return hash ?? EMPTY_ROOT.slice();
  }
}
