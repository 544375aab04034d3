// Has the browser make or use a passkey for a form, and sends the form with its answer. Inside the form: [data-passkey=what for]
"use strict";

/** Bytes of URL-safe base64, and back. */
function bytesOf(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
function textOf(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** What the server said, with bytes where the browser wants them. */
function withBytes(options) {
  const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }));
  return {
    ...options,
    challenge: bytesOf(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytesOf(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: known(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: known(options.allowCredentials) }),
  };
}

/** The browser's answer as JSON. */
function answerOf(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = textOf(credential.response[name]);
  }
  const id = textOf(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, response, clientExtensionResults: {} });
}

async function optionsFor(place, form) {
  const fields = new URLSearchParams({ purpose: place.dataset.passkey, csrf_token: form.elements.csrf_token.value });
  const answer = await fetch(place.dataset.options, { method: "POST", body: fields, redirect: "error" });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.problem);
  return withBytes(said);
}

/** What went wrong, for a person: the server's words, or that the browser got no passkey. */
function problemOf(error) {
  const own = { NotAllowedError: "No passkey was used.", InvalidStateError: "This device has a passkey of yours already." };
  if (error instanceof DOMException) return own[error.name] ?? "This browser could not use a passkey.";
  const isOurs = error.constructor === Error && error.message; // else it is of the network, or an answer that is no JSON
  return isOurs ? error.message : "Hark did not answer. Reload the page and try again.";
}

async function use(place, form) {
  const button = place.querySelector("button[data-use]");
  const problem = place.querySelector("[data-problem]");
  problem.hidden = button.disabled = true;
  try {
    const publicKey = await optionsFor(place, form);
    const isNew = place.dataset.passkey === "enroll";
    const credential = await (isNew ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
    form.elements[place.dataset.field].value = answerOf(credential);
    form.submit();
  } catch (error) {
    problem.textContent = problemOf(error);
    problem.hidden = button.disabled = false;
    button.focus();
  }
}

document.querySelectorAll("[data-passkey]").forEach((place) => {
  const form = place.closest("form");
  if (window.PublicKeyCredential) {
    place.querySelector("button[data-use]").hidden = false;
    form.addEventListener("submit", (event) => { event.preventDefault(); use(place, form); });
  } else {
    place.querySelector("[data-problem]").textContent = "This browser has no passkeys.";
    place.querySelector("[data-problem]").hidden = false;
  }
});
