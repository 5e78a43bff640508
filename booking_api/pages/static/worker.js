// The service worker: pages with a network as ever, and one's bookings without. `TOLD` is written before this by the server.
//
// What is kept: the offline page in each language with its files, and the coming bookings of whoever is signed in, in a
// cache named after them. Every page of ours says whose it is; a page of somebody else's, or of nobody's, ends that cache.
// Only pages that are read are looked at: forms, and what they answer, pass by.

const SHELL = `shell-${TOLD.digest}`;
const PERSON = "person-";
const LANGUAGE = "/offline/language";
const KEPT = "/bookings/kept";
const TICKET = /^\/bookings\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const offlinePage = (language) => `/offline/${language}`;

addEventListener("install", (event) => {
  event.waitUntil(install().then(() => skipWaiting()));
});

async function install() {
  const shell = await caches.open(SHELL);
  // As nobody: a page that everybody may be shown later.
  const wanted = [...TOLD.files, ...TOLD.languages.map(offlinePage)];
  await shell.addAll(wanted.map((path) => new Request(path, { credentials: "omit", cache: "reload" })));
}

addEventListener("activate", (event) => {
  event.waitUntil(activate());
});

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
  }
  await clients.claim();
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(page(event, url));
  else if (request.mode === "navigate" && url.pathname === "/sign-out") event.waitUntil(forget(null));
  else if (request.method === "GET" && url.pathname.startsWith("/static/")) event.respondWith(file(request));
});

async function page(event, url) {
  let answer;
  try {
    answer = await fetch(event.request);
  } catch {
    return without(url);
  }
  if (answer.ok) event.waitUntil(keep(url, answer.clone()));
  return answer;
}

async function keep(url, answer) {
  const person = answer.headers.get(TOLD.header);
  if (person === null) return;
  await forget(person === TOLD.nobody ? null : PERSON + person);
  const shell = await caches.open(SHELL);
  await shell.put(LANGUAGE, new Response(answer.headers.get("Content-Language")));
  if (person === TOLD.nobody || answer.redirected) return;
  const list = url.pathname === "/bookings" && !url.searchParams.has("cursor");
  if (!list && !TICKET.test(url.pathname)) return;
  const cache = await caches.open(PERSON + person);
  await cache.put(url.pathname, answer);
  if (list || !(await cache.match(KEPT))) await keepTickets(cache, person);
}

// The list knows what is to come: each ticket is kept with it, whether or not it was opened.
async function keepTickets(cache, person) {
  const told = await own(KEPT, person);
  if (!told) return;
  await cache.put(KEPT, told.clone());
  const paths = (await told.json()).bookings.map((booking) => `/bookings/${booking.id}`);
  for (const kept of await cache.keys()) {
    const { pathname } = new URL(kept.url);
    if (TICKET.test(pathname) && !paths.includes(pathname)) await cache.delete(kept);
  }
  for (const path of paths) {
    if (await cache.match(path)) continue;
    const ticket = await own(path, person);
    if (ticket) await cache.put(path, ticket);
  }
}

// A page of this person's, or nothing: somebody else may have signed in meanwhile, or the network gone.
async function own(path, person) {
  try {
    const answer = await fetch(path);
    return answer.ok && !answer.redirected && answer.headers.get(TOLD.header) === person ? answer : null;
  } catch {
    return null;
  }
}

async function forget(butName) {
  for (const name of await caches.keys()) {
    if (name.startsWith(PERSON) && name !== butName) await caches.delete(name);
  }
}

async function without(url) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(PERSON)) continue;
    const kept = await (await caches.open(name)).match(url.pathname);
    if (kept && url.pathname !== KEPT) return said(kept);
  }
  const shell = await caches.open(SHELL);
  const language = await (await shell.match(LANGUAGE))?.text();
  return (await shell.match(offlinePage(language))) ?? (await shell.match(offlinePage(TOLD.languages[0]))) ?? Response.error();
}

// A kept copy says that it is one. Whether there is a network, browsers often only guess.
async function said(kept) {
  const headers = new Headers(kept.headers);
  // The body is unpacked already.
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  return new Response((await kept.text()).replaceAll("data-offline hidden", "data-offline"), { headers });
}

async function file(request) {
  const shell = await caches.open(SHELL);
  const kept = await shell.match(request.url);
  return kept ?? fetch(request);
}
