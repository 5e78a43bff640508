// Calls of the API with the signed-in token. Holding, confirming and releasing are safe to repeat, so a lost
// connection or a 503 is repeated here, a bounded number of times and as late as the server asks.

const ATTEMPTS = 5;
const PAUSE_MS = 600;
const RETRY_AFTER_MOST_MS = 5000;

let token = null;

export function useToken(value) {
  token = value;
}

/** A refusal: `problem` is the problem document (RFC 9457). */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.code);
    this.problem = problem;
  }
}

/** The connection was lost more often than we repeat. */
export class Unreachable extends Error {}

/** Sends a request; gives the decoded answer, null when it has no body. `onRepeat` is told before each repeat. */
export async function call(method, path, { body, headers = {}, onRepeat = () => {} } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    let answer;
    try {
      answer = await fetch(path, {
        method,
        cache: "no-store",
        headers: {
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      if (attempt === ATTEMPTS) throw new Unreachable();
      onRepeat();
      await pause(attempt * PAUSE_MS);
      continue;
    }
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    if (answer.status === 503 && attempt < ATTEMPTS) {
      onRepeat();
      await pause(Math.min(Number(answer.headers.get("Retry-After") ?? 1) * 1000, RETRY_AFTER_MOST_MS));
      continue;
    }
    throw new Refused(await problemOf(answer));
  }
}

async function problemOf(answer) {
  const text = await answer.text();
  if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) return JSON.parse(text);
  return { code: `http_${answer.status}`, detail: `${answer.status} ${answer.statusText}` };
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
