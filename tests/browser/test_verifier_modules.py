"""The JavaScript verifier's modules run in a browser as they are: no build, no server of their own."""

import json
from pathlib import Path

from playwright.sync_api import Browser, Route

ROOT = Path(__file__).parent.parent.parent
VERIFIER = ROOT / "fairness" / "verifier"
VECTORS = ROOT / "tests" / "vectors"
# A secure context, without which a browser has no WebCrypto; nothing listens there.
ORIGIN = "http://localhost:1"

VERIFY = """async ({ quicknet, vrf, signature }) => {
  const { fromHex, toHex, equal } = await import("/bytes.js");
  const { openChain, verifyRound } = await import("/drand.js");
  const { verifyEcvrf } = await import("/ecvrf.js");
  const { verifyEd25519 } = await import("/ed25519.js");
  const { sha256, sha256Sync } = await import("/hashes.js");
  const { info, rounds } = quicknet;
  const chain = await openChain({
    publicKey: fromHex(info.public_key), period: info.period, genesisTime: info.genesis_time,
    genesisSeed: fromHex(info.genesis_seed), beaconId: info.beacon_id,
  }, fromHex(info.chain_hash));
  const round = (number, text) => verifyRound(chain, number, fromHex(text)).then(toHex, (error) => error.message);
  const started = performance.now();
  const randomness = await Promise.all(rounds.map((each) => round(each.round, each.signature)));
  const elapsed = performance.now() - started;
  const message = crypto.getRandomValues(new Uint8Array(68));
  return {
    elapsed,
    randomness,
    next: await round(rounds[0].round + 1, rounds[0].signature),
    beta: toHex(await verifyEcvrf(fromHex(vrf.pk), fromHex(vrf.alpha), fromHex(vrf.pi))),
    signed: await verifyEd25519(...signature.map(fromHex)),
    hashed: equal(sha256Sync(message), await sha256(message)),
  };
}"""

# RFC 8032, section 7.1, test 2: public key, message, signature.
SIGNATURE = (
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
)


def serve(route: Route) -> None:
    name = route.request.url.removeprefix(f"{ORIGIN}/")
    if name:
        route.fulfill(body=(VERIFIER / name).read_text(), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>Verifier</title>", content_type="text/html")


def test_a_browser_verifies_a_round_a_proof_and_a_signature(browser: Browser):
    quicknet = json.loads((VECTORS / "drand_quicknet.json").read_text())
    suites = json.loads((VECTORS / "rfc9381_ecvrf_edwards25519_sha512_tai.json").read_text())["suites"]
    (vrf, *_) = suites["ECVRF-EDWARDS25519-SHA512-TAI"]
    page = browser.new_page()
    try:
        page.route("**/*", serve)
        page.goto(f"{ORIGIN}/")
        result = page.evaluate(VERIFY, {"quicknet": quicknet, "vrf": vrf, "signature": list(SIGNATURE)})
    finally:
        page.close()
    print(f"{len(quicknet['rounds'])} rounds in {result.pop('elapsed'):.0f} ms")
    assert result == {
        "randomness": [each["randomness"] for each in quicknet["rounds"]],
        "next": f"the signature is not the beacon's for round {quicknet['rounds'][0]['round'] + 1}",
        "beta": vrf["beta"],
        "signed": True,
        "hashed": True,
    }
