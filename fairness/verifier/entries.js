// The log's entries about a draw: each is one of six kinds, in canonical JSON, with no other members.

import { decodeText } from "./canonical.js";
import {
  requireArray, requireExactly, requireHex, requireInteger, requireMembers, requireName, requireObject, requireString,
} from "./shapes.js";

/** What an announcement and a freeze must name. */
export const ALGORITHM = "gongdao/draw/v1";
/** More than u32be writes would be tickets without a number. */
export const MOST_TICKETS = 2 ** 32 - 1;

const VERSION = 1;
const MOST_CONTRIBUTORS = 16;
const LONGEST_REASON = 2000;

/** The members of each kind beside `kind` and `version`, with what reads them. */
const KINDS = {
  "draw.key": { key: hash, name: requireName },
  "draw.announced": {
    algorithm, authority: requireName, beacon, contributors, draw: requireName, period: requireName, quota: requireName,
  },
  "draw.frozen": {
    algorithm, beacon, code: hash, contributors, draw: requireName, entrants: count, quotas, root: hash, tickets: count,
  },
  "draw.contributed": { draw: requireName, freeze: hash, key: hash, proof: (value, what) => requireHex(value, 80, what) },
  "draw.voided": { draw: requireName, freeze: hash, reason },
  "draw.finished": { categories, draw: requireName, freeze: hash, randomness: hash, seed: hash },
};

/**
 * An entry of a log, with its members read: hashes, keys and proofs as bytes, `quotas` and `categories` as a Map in the
 * order of canonical JSON.
 * @param {string} text
 * @returns {any} with `kind`
 * @throws {Error} on what is no entry of section 3
 */
export function readEntry(text) {
  const told = requireObject(decodeText(text), "it");
  const { kind } = told;
  if (typeof kind !== "string" || !Object.hasOwn(KINDS, kind)) throw new Error(`"${kind}" is no kind of entry`);
  const members = KINDS[kind];
  requireMembers(told, ["kind", "version", ...Object.keys(members)], kind);
  requireExactly(told.version, VERSION, `the version of ${kind}`);
  const entry = { kind };
  for (const [name, read] of Object.entries(members)) entry[name] = read(told[name], `${name} of ${kind}`);
  if (kind === "draw.frozen" && entry.entrants > entry.tickets) throw new Error("draw.frozen has more entrants than tickets");
  return entry;
}

function hash(value, what) {
  return requireHex(value, 32, what);
}

function algorithm(value, what) {
  requireExactly(value, ALGORITHM, what);
  return value;
}

function count(value, what) {
  return requireInteger(value, { least: 1, most: MOST_TICKETS }, what);
}

function reason(value, what) {
  // In code points.
  const { length } = [...requireString(value, what)];
  if (length < 1 || length > LONGEST_REASON) throw new Error(`${what} is not 1 to ${LONGEST_REASON} characters`);
  return value;
}

function beacon(value, what) {
  requireMembers(value, ["chain", "round"], what);
  return { chain: hash(value.chain, `${what}, chain`), round: requireInteger(value.round, { least: 1 }, `${what}, round`) };
}

function contributors(value, what) {
  const keys = requireArray(value, { least: 1, most: MOST_CONTRIBUTORS }, what);
  if (new Set(keys).size !== keys.length) throw new Error(`${what} names somebody twice`);
  return keys.map((key) => hash(key, what));
}

function quotas(value, what) {
  return mapOf(value, (quota, category) => requireInteger(quota, { most: MOST_TICKETS }, `${what}, ${category}`), what);
}

function categories(value, what) {
  return mapOf(value, (told, category) => {
    const where = `${what}, ${category}`;
    requireMembers(told, ["cutoff", "entrants", "tickets", "winners"], where);
    if (told.cutoff !== "") hash(told.cutoff, `${where}, cutoff`);
    for (const name of ["entrants", "tickets", "winners"]) requireInteger(told[name], {}, `${where}, ${name}`);
    return told;
  }, what);
}

/** An object from names as a Map: no name of a category is a member that objects have of themselves. */
function mapOf(value, read, what) {
  const names = Object.keys(requireObject(value, what)).sort();
  return new Map(names.map((name) => [requireName(name, `a category of ${what}`), read(value[name], name)]));
}
