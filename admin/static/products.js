// Fields of SKUs, [data-products=url]: typing shows products of the catalog by SKU or name; a click or Enter takes one. A field of
// several lines takes one a line. Without this file they are plain fields.
"use strict";

const PRODUCT_WAIT_MS = 200;

/** The list under the field that has the focus: one for the page, since parts of the form are drawn anew. */
const products = { field: null, found: [], at: -1, waiting: 0, running: null, place: null, list: null, said: null };

/** Where the words stand that are looked for: the whole field, or the line of the cursor. */
function wordsOf(field) {
  if (field.tagName !== "TEXTAREA") return [0, field.value.length];
  const cursor = field.selectionStart;
  const start = field.value.lastIndexOf("\n", cursor - 1) + 1;
  const end = field.value.indexOf("\n", cursor);
  return [start, end < 0 ? field.value.length : end];
}

function closeProducts() {
  products.running?.abort();
  clearTimeout(products.waiting);
  products.place?.remove();
  if (products.field?.hasAttribute("aria-expanded")) products.field.setAttribute("aria-expanded", "false");
  products.field?.removeAttribute("aria-activedescendant");
  Object.assign(products, { place: null, list: null, found: [], at: -1 });
}

function openProducts(field) {
  if (products.field === field && products.place?.isConnected) return;
  closeProducts();
  products.field = field;
  field.autocomplete = "off";
  if (field.tagName === "INPUT") {
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-controls": "products-found", "aria-expanded": "true" };
    for (const [name, value] of Object.entries(roles)) field.setAttribute(name, value);
  }
  products.place = document.createElement("div");
  products.place.className = "search-place";
  products.list = document.createElement("ul");
  Object.assign(products.list, { className: "options-list", id: "products-found" });
  products.list.setAttribute("role", "listbox");
  products.list.setAttribute("aria-label", "Products");
  products.place.append(products.list);
  field.after(products.place);
}

function drawProducts(more) {
  const part = (tag, name, text) => Object.assign(document.createElement(tag), { className: name, textContent: text });
  products.list.replaceChildren(
    ...products.found.map((product, place) => {
      const option = part("li", place === products.at ? "at" : "", "");
      option.id = `products-found-${place}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.append(part("b", "", product.name), part("span", "soft", product.sku), part("span", "soft", product.price));
      if (product.state) option.append(part("span", "faint", product.state));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault(); // the field keeps the focus
        takeProduct(product);
      });
      return option;
    }),
  );
  if (!products.found.length) products.list.append(part("li", "note", "No product matches."));
  else if (more) products.list.append(part("li", "note", "There are more: type a little more."));
  if (products.at >= 0) products.field.setAttribute("aria-activedescendant", `products-found-${products.at}`);
}

function takeProduct(product) {
  const field = products.field;
  const [start, end] = wordsOf(field);
  const isList = field.tagName === "TEXTAREA";
  field.setRangeText(isList ? `${product.sku}\n` : product.sku, start, isList && field.value[end] === "\n" ? end + 1 : end, "end");
  closeProducts();
  field.dispatchEvent(new Event("change", { bubbles: true })); // the form draws its preview
}

async function lookForProducts(field) {
  const [start, end] = wordsOf(field);
  const words = field.value.slice(start, end).trim();
  if (!words) return closeProducts();
  const mine = (products.running = new AbortController());
  const number = field.form?.elements.number?.value ?? "";
  try {
    const query = new URLSearchParams({ q: words, number });
    const answer = await fetch(`${field.dataset.products}?${query}`, { signal: mine.signal, redirect: "error" });
    if (!answer.ok || document.activeElement !== field) return;
    const given = await answer.json();
    openProducts(field);
    products.found = given.products;
    products.at = -1;
    drawProducts(given.more);
  } catch {
    // overtaken, or the server is away: the next letter asks again
  }
}

document.addEventListener("input", (event) => {
  const field = event.target.closest?.("[data-products]");
  if (!field) return;
  products.running?.abort();
  clearTimeout(products.waiting);
  products.waiting = setTimeout(lookForProducts, PRODUCT_WAIT_MS, field);
});
document.addEventListener("focusout", (event) => event.target === products.field && closeProducts());
document.addEventListener("keydown", (event) => {
  if (event.target !== products.field || !products.list) return;
  const count = products.found.length;
  if (event.key === "Escape") {
    closeProducts();
  } else if (event.key === "Enter" && products.at >= 0) {
    takeProduct(products.found[products.at]);
  } else if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    products.at = (products.at + (event.key === "ArrowDown" ? 1 : products.at < 0 ? 0 : -1) + count) % count;
    drawProducts(false);
    products.list.children[products.at].scrollIntoView({ block: "nearest" });
  } else {
    return;
  }
  event.preventDefault();
});
