// Step 10: the winners' lines are those that the ranking gives, and nothing follows.

import { equal, toHex, utf8 } from "./bytes.js";
import { breathe } from "./breathe.js";
import { FORMAT } from "./bundle.js";
import { encode } from "./canonical.js";

/**
 * The rest of the bundle, held against a ranking.
 * @param {import("./bundle.js").LineReader} lines
 * @param {import("./draw.js").Outcome[]} outcomes in the order of canonical JSON
 * @param {import("./entrants.js").EntrantList} list
 * @throws {Error} on the first line that is another
 * @throws {import("./bundle.js").Unreadable} if the source fails
 */
export async function requireRanking(lines, outcomes, list) {
  let winners = 0;
  for (const outcome of outcomes) {
    for (const [place, entrant] of outcome.winners.entries()) {
      const idHash = toHex(list.idHash(entrant));
      const line = [outcome.name, place + 1, idHash, list.weight(entrant), toHex(outcome.scores[place])];
      await requireLine(lines, line, `rank ${place + 1} of ${outcome.name} is ${idHash}`);
      await breathe();
      winners += 1;
    }
  }
  await requireLine(lines, { end: FORMAT, entrants: list.length, winners }, "the winners end here");
  if ((await lines.next()) !== null) throw new Error("something comes after the end");
}

async function requireLine(lines, value, what) {
  const line = lines.take() ?? (await lines.next());
  if (line === null) throw new Error(`${what}, and the bundle ends before`);
  if (!equal(line, utf8(encode(value)))) throw new Error(`${what}, and the bundle's line is another`);
}

/**
 * What the log says of each category, held against a ranking.
 * @param {Map<string, {cutoff: string, entrants: number, tickets: number, winners: number}>} said
 * @param {import("./draw.js").Outcome[]} outcomes
 * @throws {Error} on another category or another figure
 */
export function requireOutcomes(said, outcomes) {
  const found = Object.fromEntries(outcomes.map((outcome) => [outcome.name, figuresOf(outcome)]));
  for (const name of new Set([...said.keys(), ...Object.keys(found)])) {
    if (!said.has(name)) throw new Error(`the result leaves out the category ${name}`);
    if (!Object.hasOwn(found, name)) throw new Error(`the result has a category ${name}, which has no quota`);
    if (encode(said.get(name)) !== encode(found[name])) {
      throw new Error(`the result says of ${name} ${encode(said.get(name))}, it is ${encode(found[name])}`);
    }
  }
}

/**
 * A category's figures as an entry of the log has them.
 * @param {import("./draw.js").Outcome} outcome
 * @returns {{cutoff: string, entrants: number, tickets: number, winners: number}}
 */
export function figuresOf({ entrants, tickets, winners, scores }) {
  return { cutoff: scores.length ? toHex(scores.at(-1)) : "", entrants, tickets, winners: winners.length };
}
