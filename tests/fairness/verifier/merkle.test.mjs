import assert from "node:assert/strict";
import test from "node:test";

import { fromHex, toHex, utf8 } from "../../../fairness/verifier/bytes.js";
import {
  CompactRange, leafHash, nodeHash, requireConsistency, requireInclusion,
} from "../../../fairness/verifier/merkle.js";
import { flipBit, vectors } from "./vectors.mjs";

const { leaves, roots, inclusion, consistency } = vectors("merkle_rfc6962");
const LEAVES = leaves.map(fromHex).map(leafHash);
const ROOTS = roots.map(fromHex);

/** RFC 6962, section 2.1, as it is written. */
function rootOf(hashes) {
  if (hashes.length === 1) return hashes[0];
  let split = 1;
  while (2 * split < hashes.length) split *= 2;
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

test("a range grown leaf by leaf has the roots of the vectors, and of the definition", () => {
  const range = new CompactRange();
  assert.equal(toHex(range.root()), roots[0]);
  for (const [number, leaf] of LEAVES.entries()) {
    range.append(leaf);
    assert.equal(toHex(range.root()), roots[number + 1]);
  }
  const [grown, hashes] = [new CompactRange(), []];
  for (let n = 0; n < 70; n++) {
    hashes.push(leafHash(utf8(String(n))));
    grown.append(hashes.at(-1));
    assert.deepEqual(grown.root(), rootOf(hashes));
  }
});

test("the vectors' proofs hold, and none that is changed, shorter or longer", () => {
  for (const { index, size, proof } of inclusion) {
    const path = proof.map(fromHex);
    requireInclusion(LEAVES[index], index, size, path, ROOTS[size]);
    for (const other of changed(path)) {
      assert.throws(() => requireInclusion(LEAVES[index], index, size, other, ROOTS[size]), /inclusion proof/);
    }
    assert.throws(() => requireInclusion(LEAVES[index], size, size, path, ROOTS[size]), /not in a tree/);
  }
  for (const { old, new: size, proof } of consistency) {
    const path = proof.map(fromHex);
    const [first, second] = [{ size: old, root: ROOTS[old] }, { size, root: ROOTS[size] }];
    requireConsistency(first, second, path);
    for (const other of changed(path)) assert.throws(() => requireConsistency(first, second, other), /consistency proof/);
    assert.throws(() => requireConsistency({ size: old, root: flipBit(ROOTS[old], 3) }, second, path));
    if (old < size) assert.throws(() => requireConsistency(second, first, path), /does not begin/);
  }
});

function changed(path) {
  const changes = path.map((hash, at) => path.with(at, flipBit(hash, 9)));
  if (path.length) changes.push(path.slice(1), path.slice(0, -1));
  return [...changes, [...path, ROOTS[1]]];
}
