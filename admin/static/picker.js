// A field of people, [data-pick=url]: typing a name, a number or a tag shows who is meant; a click or Enter picks. Without this
// file it is a plain field of phones.
"use strict";

const WAIT_MS = 200;

/** An element with a text, of a class. */
function made(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

function picker(box) {
  const field = box.querySelector("input");
  const chosen = box.querySelector(".picked");
  const search = document.createElement("input");
  const options = made("ul", "options-list", "");
  const said = made("p", "sr-only", "");
  const picked = () => [...chosen.children].map((item) => item.dataset.key);
  let found = [];
  let at = -1; // the option that Enter picks
  let running = null;
  let waiting = 0;

  Object.assign(search, { type: "search", id: `${field.id}-search`, autocomplete: "off", placeholder: "Name, number or tag" });
  const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${field.id}-options` };
  for (const [name, value] of Object.entries(roles)) search.setAttribute(name, value);
  Object.assign(options, { id: `${field.id}-options`, hidden: true });
  options.setAttribute("role", "listbox");
  options.setAttribute("aria-label", "Who is meant");
  said.setAttribute("role", "status");
  box.querySelector("label").htmlFor = search.id;
  field.type = "hidden";
  const place = made("div", "search-place", "");
  place.append(search, options);
  field.after(place, said);
  for (const item of chosen.children) withButton(item);

  /** The field says who is picked; the form is told that it changed. */
  function tell(words) {
    field.value = picked().join(", ");
    said.textContent = `${words}. ${picked().length} picked.`;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    draw();
  }

  function withButton(item) {
    const button = made("button", "link", "×");
    button.type = "button";
    button.setAttribute("aria-label", `Remove ${item.textContent.trim()}`);
    button.addEventListener("click", () => {
      item.remove();
      tell("Removed");
      search.focus();
    });
    item.append(button);
  }

  function toggle(person) {
    if (!person.key) return;
    const item = [...chosen.children].find((each) => each.dataset.key === person.key);
    if (item) {
      item.remove();
      tell(`${person.name || person.number} removed`);
    } else {
      const added = made("li", "chip", "");
      added.dataset.key = person.key;
      added.append(made("b", "", person.name || "No name"), " ", made("span", "", person.number));
      withButton(added);
      chosen.append(added);
      tell(`${person.name || person.number} added`);
    }
    search.select();
  }

  function draw() {
    const keys = new Set(picked());
    options.replaceChildren(
      ...found.map((person, place) => {
        const option = made("li", "", "");
        option.id = `${options.id}-${place}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", String(keys.has(person.key)));
        if (!person.key) option.setAttribute("aria-disabled", "true");
        option.classList.toggle("at", place === at);
        option.append(made("b", "", person.name || "No name"), made("span", "soft", person.number || "no number"));
        if (person.tag) option.append(made("span", "faint", `tag ${person.tag}`));
        option.addEventListener("mousedown", (event) => {
          event.preventDefault(); // the search keeps the focus
          at = place;
          toggle(person);
        });
        return option;
      }),
    );
    if (at >= 0) search.setAttribute("aria-activedescendant", `${options.id}-${at}`);
    else search.removeAttribute("aria-activedescendant");
  }

  function open(is) {
    options.hidden = !is;
    search.setAttribute("aria-expanded", String(is));
  }

  function move(step) {
    if (!found.length) return;
    open(true);
    at = (at + step + found.length) % found.length;
    draw();
    options.children[at].scrollIntoView({ block: "nearest" });
  }

  async function look() {
    const mine = (running = new AbortController());
    try {
      const answer = await fetch(`${box.dataset.pick}?q=${encodeURIComponent(search.value)}`, { signal: mine.signal, redirect: "error" });
      if (!answer.ok) return;
      const given = await answer.json();
      found = given.people.map((person) => ({ ...person, key: box.dataset.by === "id" ? `id:${person.id}` : person.phone }));
      at = found.length ? 0 : -1;
      draw();
      if (!found.length) options.append(made("li", "note", "Nobody matches."));
      else if (given.more) options.append(made("li", "note", "There are more: type a little more."));
      open(document.activeElement === search);
    } catch {
      // overtaken, or the server is away: the next letter asks again
    }
  }

  search.addEventListener("input", (event) => {
    event.stopPropagation();
    running?.abort();
    clearTimeout(waiting);
    if (search.value.trim()) {
      waiting = setTimeout(look, WAIT_MS);
    } else {
      found = [];
      open(false);
    }
  });
  search.addEventListener("change", (event) => event.stopPropagation());
  search.addEventListener("focus", () => open(Boolean(found.length)));
  search.addEventListener("blur", () => open(false));
  search.addEventListener("keydown", (event) => {
    const keys = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Escape: () => open(false) };
    if (event.key === "Enter") {
      event.preventDefault(); // it picks, and sends no form
      if (!options.hidden && at >= 0) toggle(found[at]);
    } else if (event.key === "Backspace" && !search.value && chosen.lastElementChild) {
      chosen.lastElementChild.remove();
      tell("Removed");
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}

document.querySelectorAll("[data-pick]").forEach(picker);
