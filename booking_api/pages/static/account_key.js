// Security keys (W3C WebAuthn): asks the key what the form carries, puts its answer into the form, and sends that.

for (const form of document.querySelectorAll("form[data-key]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form);
  }, { capture: true });
}

async function ask(form) {
  const said = form.querySelector("[data-said]");
  said.textContent = "";
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    said.textContent = form.dataset.missing ?? form.dataset.failed;
    return;
  }
  try {
    const credential = await answer(form.dataset.key, JSON.parse(form.dataset.options));
    form.elements.credential.value = JSON.stringify(credential.toJSON());
  } catch (error) {
    // Taken away, touched too late, or added already: the browser has said which.
    console.info("security key:", error.name);
    said.textContent = form.dataset.failed;
    return;
  }
  form.requestSubmit();
}

function answer(kind, options) {
  if (kind === "create") return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}
