// Hashes: the platform's (WebCrypto, asynchronous), and a SHA-256 of our own for the ranking of a draw, which hashes
// a few dozen bytes millions of times, where a promise for each would cost more than the hash.

/**
 * @param {Uint8Array} message
 * @returns {Promise<Uint8Array>} 32 bytes (FIPS 180-4)
 */
export async function sha256(message) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", message));
}

/**
 * @param {Uint8Array} message
 * @returns {Promise<Uint8Array>} 64 bytes (FIPS 180-4)
 */
export async function sha512(message) {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", message));
}

/**
 * HMAC-SHA-256 (RFC 2104).
 * @param {Uint8Array} key not empty: platforms disagree on an empty one
 * @param {Uint8Array} message
 * @returns {Promise<Uint8Array>} 32 bytes
 * @throws {Error} on an empty key
 */
export async function hmacSha256(key, message) {
  if (key.length === 0) throw new Error("the key of an HMAC is empty");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

// FIPS 180-4, sections 4.2.2 and 5.3.3: fractions of cube roots of the first 64 primes, of square roots of the first 8.
const ROUND_CONSTANTS = Int32Array.from(firstPrimes(64), (prime) => fractionOfRoot(prime, 3n));
const INITIAL_STATE = Int32Array.from(firstPrimes(8), (prime) => fractionOfRoot(prime, 2n));

function firstPrimes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

/** The first 32 bits of the fraction of n's square or cube root, by bisection in integers. */
function fractionOfRoot(n, degree) {
  const scaled = BigInt(n) << (32n * degree);
  let low = 0n;
  let high = BigInt(n) << 32n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= scaled) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn) | 0;
}

// One of each for all calls: JavaScript runs a synchronous function to its end before another begins.
const state = new Int32Array(8);
const schedule = new Int32Array(64);
const lastBlocks = new Uint8Array(128);

/**
 * SHA-256 (FIPS 180-4) without a promise, fast for short messages.
 * @param {Uint8Array} message
 * @param {Uint8Array} [digest] where the 32 bytes go; a new array if left out
 * @returns {Uint8Array} `digest`
 * @throws {Error} on a message that is not bytes
 */
export function sha256Sync(message, digest = new Uint8Array(32)) {
  if (!(message instanceof Uint8Array)) throw new Error("not a Uint8Array");
  state.set(INITIAL_STATE);
  const whole = message.length & ~63;
  for (let at = 0; at < whole; at += 64) compress(message, at);

  const rest = message.length - whole;
  const padded = rest < 56 ? 64 : 128;
  lastBlocks.fill(0);
  for (let i = 0; i < rest; i++) lastBlocks[i] = message[whole + i];
  lastBlocks[rest] = 0x80;
  writeWord(lastBlocks, padded - 8, Math.floor(message.length / 0x20000000));
  writeWord(lastBlocks, padded - 4, message.length << 3);
  for (let at = 0; at < padded; at += 64) compress(lastBlocks, at);

  for (let i = 0; i < 8; i++) writeWord(digest, 4 * i, state[i]);
  return digest;
}

function writeWord(bytes, at, word) {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** One block into `state` (FIPS 180-4, section 6.2.2). Rotations are written out: a call each would halve the speed. */
function compress(bytes, at) {
  const w = schedule;
  for (let t = 0; t < 16; t++, at += 4) {
    w[t] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (s1 + w[t - 7] + s0 + w[t - 16]) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3];
  let e = state[4], f = state[5], g = state[6], h = state[7];
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[t] + w[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}
