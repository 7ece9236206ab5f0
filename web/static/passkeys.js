// パスキー: asks the browser for a passkey where the page has a form for one, and sends what it
// answers as that form. Without JavaScript or passkeys the form stays hidden and nothing is missing.
"use strict";

(() => {
  const forms = document.querySelectorAll("form[data-passkey]");
  if (!forms.length || !window.PublicKeyCredential) return;

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

  async function question(form) {
    const body = new URLSearchParams();
    body.set("csrf_token", form.elements.csrf_token.value);
    if (form.elements.body) body.set("body", form.elements.body.value);
    const answer = await fetch(form.dataset.question, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  async function register(options) {
    options.challenge = toBytes(options.challenge);
    options.user.id = toBytes(options.user.id);
    options.excludeCredentials = named(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey: options });
    return {
      clientDataJSON: toText(made.response.clientDataJSON),
      attestationObject: toText(made.response.attestationObject),
      id: made.id, rawId: toText(made.rawId),
    };
  }

  async function sign(options) {
    options.challenge = toBytes(options.challenge);
    options.allowCredentials = named(options.allowCredentials);
    const found = await navigator.credentials.get({ publicKey: options });
    const handle = found.response.userHandle;
    return {
      clientDataJSON: toText(found.response.clientDataJSON),
      authenticatorData: toText(found.response.authenticatorData),
      signature: toText(found.response.signature),
      userHandle: handle ? toText(handle) : null,
      id: found.id, rawId: toText(found.rawId),
    };
  }

  for (const form of forms) {
    const told = form.querySelector("[data-passkey-error]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      told.textContent = "";
      if (form.dataset.body) {
        const chosen = document.getElementById(form.dataset.body);
        if (!chosen.reportValidity()) return;
        form.elements.body.value = chosen.value;
      }
      try {
        const options = await question(form);
        const way = form.dataset.passkey === "register" ? register : sign;
        const { id, rawId, ...response } = await way(options);
        form.elements.answer.value = JSON.stringify({ id, rawId, type: "public-key", response });
        form.submit();
      } catch (error) {
        // The browser says by these names that it has one already, or that a number is no name.
        const known = { InvalidStateError: "passkeyThere", SecurityError: "passkeyNowhere" };
        told.textContent = told.dataset[known[error.name]] || told.dataset.passkeyError;
      }
    });
  }
  for (const hint of document.querySelectorAll("[data-without-passkeys]")) hint.hidden = true;
})();
