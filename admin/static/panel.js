// The panel works without this file. It asks before what cannot be undone, keeps numbers live, and refreshes parts of a form.
"use strict";

const LIVE_MS = 2000;

/** Whether somebody has the focus or a pressed button in this part, or is being asked about one of its forms. */
function isInUse(part) {
  const focused = document.activeElement;
  if (focused !== part && part.contains(focused)) return true;
  return part.querySelector(":active, details[open]:focus-within") !== null || (dialog?.open && part.contains(asked));
}

/** Put a server's fragment in place of the part of that name, if it changed. False while somebody uses the part. */
const shown = new Map();
function put(name, html) {
  if (shown.get(name) === html) return true;
  const part = document.querySelector(`[data-part="${name}"]`);
  if (!part) return true;
  if (isInUse(part)) return false;
  const isAtEnd = part.scrollTop + part.clientHeight >= part.scrollHeight - 40;
  shown.set(name, html);
  const opened = [...part.querySelectorAll("details")].map((details) => details.open);
  const scrolled = [...part.querySelectorAll(".wa-cards")].map((cards) => cards.scrollLeft);
  part.innerHTML = html;
  part.querySelectorAll("details").forEach((details, place) => { details.open ||= Boolean(opened[place]); });
  part.querySelectorAll(".wa-cards").forEach((cards, place) => cards.scrollTo({ left: scrolled[place] ?? 0, behavior: "instant" }));
  if (isAtEnd && part.matches(".chat")) part.scrollTop = part.scrollHeight;
  return true;
}

/** Parts that say where their content comes from and change by themselves: [data-live=url]. */
function live(place) {
  let waiting = 0;
  async function look() {
    clearTimeout(waiting);
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.live, { headers: { Accept: "application/json" }, redirect: "error" });
      if (answer.ok) {
        const said = await answer.json();
        place.classList.remove("stale");
        const isPut = Object.entries(said.parts).map(([name, html]) => put(name, html));
        if (said.done && isPut.every(Boolean)) return;
      } else {
        place.classList.add("stale");
      }
    } catch {
      place.classList.add("stale");
    }
    waiting = setTimeout(look, LIVE_MS);
  }
  document.addEventListener("visibilitychange", look);
  waiting = setTimeout(look, LIVE_MS);
}

/** Content that takes the server a moment: [data-load=url]. */
async function load(place) {
  try {
    const answer = await fetch(place.dataset.load, { redirect: "error" });
    if (answer.ok && !shown.has(place.dataset.part)) place.innerHTML = await answer.text();
  } catch {
    // what is there says how to see it without this
  }
}

/** Put the server's new drawing of a part in place of the old one; whoever was typing in it goes on where they were. */
function redraw(name, page) {
  const [mine, drawn] = [document, page].map((root) => root.querySelector(`[data-part="${name}"]`));
  if (!mine || !drawn) return;
  const focused = mine.contains(document.activeElement) ? document.activeElement : null;
  const caret = focused?.selectionStart ?? null;
  mine.innerHTML = drawn.innerHTML;
  const again = focused?.id && document.getElementById(focused.id);
  if (!again) return;
  again.focus();
  if (caret !== null && again.setSelectionRange) again.setSelectionRange(caret, caret);
}

/**
 * [data-part][data-draws=url]: the server draws this part of a form from what is filled in, again while somebody types or presses
 * button[data-draws-again]. It takes no focus; while the part itself is used, what is drawn waits.
 */
function drawing(place) {
  const form = place.closest("form");
  let running = null;
  let waiting = 0;
  async function draw(button) {
    const mine = (running = new AbortController());
    const given = new FormData(form);
    for (const [name, value] of [...given.entries()]) if (value instanceof File) given.delete(name);
    if (button) given.set(button.name, button.value);
    try {
      const answer = await fetch(place.dataset.draws, { method: "POST", body: given, signal: mine.signal, redirect: "error" });
      const html = answer.ok ? await answer.text() : null;
      if (mine.signal.aborted) return;
      place.classList.toggle("stale", html === null);
      if (html !== null) show(html);
    } catch {
      if (!mine.signal.aborted) place.classList.add("stale"); // the server is away: the next change asks again
    }
  }
  function show(html) {
    if (!put(place.dataset.part, html)) waiting = setTimeout(() => show(html), 500);
  }
  function later(delay, button) {
    running?.abort();
    clearTimeout(waiting);
    waiting = setTimeout(() => draw(button), delay);
  }
  form.addEventListener("click", (event) => {
    const again = event.target.closest("button[data-draws-again]");
    if (!again) return;
    event.preventDefault();
    later(0, again);
  });
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, (event) => { if (!place.contains(event.target)) later(kind === "input" ? 250 : 0); });
  }
  form.addEventListener("redrawn", () => later(0));
}

/** Whether a field holds something else than the server drew. */
function isChanged(field) {
  if (!field.options) return field.value !== field.defaultValue || Boolean(field.checked) !== Boolean(field.defaultChecked);
  if (field.multiple) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.selectedIndex !== Math.max(0, [...field.options].findLastIndex((option) => option.defaultSelected));
}

/** form[data-parts]: when a field that names parts (data-shows) changes, the server draws those parts again. */
function refreshing(form) {
  let running = null;
  let waiting = 0;
  const wanted = new Set(); // what was asked for and not drawn yet, also by requests that were overtaken
  async function refresh() {
    const mine = (running = new AbortController());
    const given = new FormData(form);
    for (const [name, value] of [...given.entries()]) if (value instanceof File) given.delete(name);
    given.set("refresh", "1");
    form.classList.add("busy");
    try {
      const answer = await fetch(form.action, { method: "POST", body: given, signal: mine.signal, redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return; // somebody has gone on filling in the form
      for (const name of wanted) redraw(name, page);
      wanted.clear();
      form.dispatchEvent(new Event("redrawn"));
    } catch {
      // overtaken, or the server is away: the next change asks again
    }
    if (mine === running) form.classList.remove("busy");
  }
  function later(event, delay) {
    const names = event.target.dataset?.shows;
    if (!names && !wanted.size) return; // else what is being drawn would put an older text back into this field
    for (const name of names?.split(" ") ?? []) wanted.add(name);
    running?.abort(); // at once: an answer that is on its way knows nothing of this change
    clearTimeout(waiting);
    waiting = setTimeout(refresh, delay);
  }
  if (form.dataset.first) wanted.add(form.dataset.first);
  for (const field of form.querySelectorAll("[data-shows]")) {
    // somebody was quicker than this file, or the browser has put back what was typed before
    if (isChanged(field)) for (const name of field.dataset.shows.split(" ")) wanted.add(name);
  }
  if (wanted.size) refresh();
  form.addEventListener("change", (event) => later(event, 0));
  form.addEventListener("input", (event) => {
    if (event.target.matches("input[type=text], textarea")) later(event, 500);
  });
}

/**
 * [data-counts=url]: who matches, asked in pieces until everybody was looked at. A form is asked about as it is filled in, again
 * whenever it changes; elsewhere the page begins it (data-state). Figures go to [data-count], complaints to [data-problem].
 */
function counting(place) {
  const isForm = place.matches("form");
  const shownAt = place.querySelector('[data-part="matches"]');
  let running = null;
  let waiting = 0;
  function ask(state, signal) {
    const url = new URL(place.dataset.counts, location.href);
    if (!isForm) {
      url.searchParams.set("state", state);
      return fetch(url, { signal, redirect: "error" });
    }
    const given = new FormData(place);
    given.set("state", state);
    return fetch(url, { method: "POST", body: given, signal, redirect: "error" });
  }
  function show(said) {
    shownAt.innerHTML = said.parts.matches;
    shownAt.classList.remove("stale");
    for (const at of place.querySelectorAll("[data-count]")) at.textContent = said.counts[at.dataset.count] ?? "";
    for (const at of place.querySelectorAll("[data-problem]")) {
      const problem = said.problems[at.dataset.problem] ?? "";
      at.textContent = problem;
      at.hidden = !problem;
      at.closest(".condition").classList.toggle("bad", Boolean(problem));
    }
  }
  async function count() {
    const mine = (running = new AbortController());
    let said = { state: place.dataset.state ?? "", done: false };
    try {
      while (!said.done) {
        const answer = await ask(said.state, mine.signal);
        if (!answer.ok) break;
        said = await answer.json();
        if (mine.signal.aborted) return;
        show(said);
        while (document.hidden) await new Promise((next) => setTimeout(next, 1000));
      }
    } catch {
      // overtaken by a change, or the server is away: what is there stays, greyed
    }
  }
  function later(delay) {
    running?.abort(); // at once: what is being counted is of the past
    shownAt.classList.add("stale");
    clearTimeout(waiting);
    waiting = setTimeout(count, delay);
  }
  if (isForm) {
    place.addEventListener("redrawn", () => later(0));
    for (const kind of ["input", "change"]) {
      place.addEventListener(kind, (event) => {
        if (event.target.name !== "name" && !event.target.dataset.shows) later(500); // a redrawing ends with a count
      });
    }
  }
  if (!isForm || place.querySelector("[data-count]")) count();
}

/** button[name=drop]: what it is beside is taken away, as by choosing nothing there. */
document.addEventListener("click", (event) => {
  const drop = event.target.closest?.("button[name=drop]");
  const choice = drop && document.getElementById(`${drop.value}-on`);
  if (!choice) return;
  event.preventDefault();
  choice.value = "";
  choice.focus();
  choice.dispatchEvent(new Event("change", { bubbles: true }));
});

/** form[data-ask]: the question before it is sent. */
const dialog = document.getElementById("ask");
let asked = null; // the form that the question is about
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.ask || form.dataset.answered || !dialog?.showModal) return;
  event.preventDefault();
  const yes = document.getElementById("ask-yes");
  dialog.querySelector("p").textContent = form.dataset.ask;
  yes.textContent = form.dataset.yes || "Yes";
  yes.className = `button ${form.dataset.tone || "main"}`;
  dialog.returnValue = "no";
  asked = form;
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.answered = "1";
    const confirmed = document.createElement("input");
    confirmed.type = "hidden";
    confirmed.name = "confirmed";
    confirmed.value = "1";
    form.append(confirmed);
    form.requestSubmit(event.submitter || undefined);
  };
  dialog.showModal();
});

/** form[data-upload]: shows how far the files are on their way; without this the browser sends them by itself. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  const shown = form.matches("[data-upload]") ? form.querySelector("[data-progress]") : null;
  if (!shown || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const [bar, said] = [shown.querySelector("progress"), shown.querySelector("[role=status]")];
  const request = new XMLHttpRequest();
  const fail = (text) => { said.textContent = text; delete form.dataset.sent; };
  request.upload.onprogress = (sent) => {
    if (sent.lengthComputable) bar.value = sent.loaded / sent.total;
    said.textContent = bar.value < 1 ? `${Math.round(bar.value * 100)} %` : "checking…";
  };
  request.onload = () => {
    if (request.status === 200 && request.response?.next) location.assign(request.response.next);
    else fail(request.status === 413 ? "That is too much at once: at most 110 MB." : "It was not taken. Reload the page and try again.");
  };
  request.onerror = () => fail("The connection was lost. Nothing was added; try again.");
  request.open("POST", form.action);
  request.setRequestHeader("X-Upload", "1");
  request.responseType = "json";
  request.send(new FormData(form));
  shown.hidden = false;
});

/** A form is sent once, however often its button is pressed. */
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
  event.submitter?.classList.add("waiting");
});
window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));

document.querySelectorAll("[data-live]").forEach(live);
document.querySelectorAll("[data-load]").forEach(load);
document.querySelectorAll("form[data-parts]").forEach(refreshing);
document.querySelectorAll("[data-counts]").forEach(counting);
document.querySelectorAll("[data-draws]").forEach(drawing);
document.querySelectorAll("form[data-auto]").forEach((form) => form.addEventListener("change", () => form.requestSubmit()));
document.querySelectorAll(".chat").forEach((chat) => { chat.scrollTop = chat.scrollHeight; });
