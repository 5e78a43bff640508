import assert from "node:assert/strict";
import test from "node:test";

import { fromHex, toHex, utf8 } from "../../../fairness/verifier/bytes.js";
import { hmacSha256, sha256, sha256Sync, sha512 } from "../../../fairness/verifier/hashes.js";
import { randomBytes } from "./vectors.mjs";

// FIPS 180-4's examples.
const ABC_256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_512 =
  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

test("SHA-256 and SHA-512 of abc", async () => {
  assert.equal(toHex(await sha256(utf8("abc"))), ABC_256);
  assert.equal(toHex(await sha512(utf8("abc"))), ABC_512);
  assert.equal(toHex(sha256Sync(utf8("abc"))), ABC_256);
});

test("our SHA-256 is the platform's, for every length around the blocks' ends", async () => {
  for (let length = 0; length <= 260; length++) {
    const message = randomBytes(length);
    assert.deepEqual(sha256Sync(message), await sha256(message), `${length} bytes`);
  }
});

test("our SHA-256 is the platform's for a long message", async () => {
  const message = randomBytes(65536);
  assert.deepEqual(sha256Sync(message), await sha256(message));
});

test("our SHA-256 writes where it is told, and remembers nothing of the call before", async () => {
  const digest = new Uint8Array(32);
  for (let i = 0; i < 50; i++) {
    const message = randomBytes(36 + (i % 33));
    assert.equal(sha256Sync(message, digest), digest);
    assert.deepEqual(digest, await sha256(message));
  }
});

test("our SHA-256 takes bytes only", () => assert.throws(() => sha256Sync("abc"), /not a Uint8Array/));

// RFC 4231, test cases 1 and 2.
test("HMAC-SHA-256", async () => {
  assert.equal(
    toHex(await hmacSha256(fromHex("0b".repeat(20)), utf8("Hi There"))),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  );
  assert.equal(
    toHex(await hmacSha256(utf8("Jefe"), utf8("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  await assert.rejects(hmacSha256(new Uint8Array(), utf8("message")), /empty/);
});
