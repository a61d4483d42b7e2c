// Elements of the page. The law of this file: what was recorded becomes text, never an element, an attribute that is run,
// or a link to elsewhere.
"use strict";
const EQUAL_LINES = 3, EQUAL_TEXT = 160;

const get = (id) => document.getElementById(id);
const count = (number, thing) => `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "click") element.addEventListener("click", value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ""));
  return element;
}

const told = (text) => make("p", { class: "cut" }, text);
// A path is broken before a name, if it has to be.
const pathOf = (text) => text.split(/(?=[.[])/).flatMap((part, at) => at ? [make("wbr"), part] : [part]);
const chip = (name) => make("span", { class: `chip ${name}` }, name);

const figuresOf = (lines) => make("dl", { class: "figures" },
  lines.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text.replace("->", "→")))));

// What is made once it is about to be seen; or asked for.
function moreElement(root, proceed) {
  const button = make("button", { type: "button", class: "more", click: proceed }, "Show more");
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    if (button.isConnected) proceed();
  }, { root, rootMargin: "400px" });
  watcher.observe(button);
  return button;
}

// An old and a new text: of parts, each of which begins with its sign.

function diff(edit, isWhole, isSide) {
  const parts = edit.parts.map((part) => [part[0], part.slice(1)]);
  if (!parts.length) return [];
  const isRunning = edit.prose || (parts.some(([sign]) => sign === "=") && !parts.some(([, text]) => text.includes("\n")));
  const shown = isSide ? lined(parts, isWhole, sideRow, "sides")
    : isRunning ? make("p", { class: "prose" }, parts.flatMap(([sign, text]) => marked(sign, text, isWhole)))
    : lined(parts, isWhole, inlineRow, "lines");
  return edit.cut ? [shown, told(edit.cut)] : [shown];
}

const mark = (sign, text) => sign === "=" ? text : make(sign === "-" ? "del" : "ins", {}, text);

function marked(sign, text, isWhole) {
  if (sign !== "=" || isWhole || text.length < 3 * EQUAL_TEXT) return [mark(sign, text)];
  const middle = text.slice(EQUAL_TEXT, -EQUAL_TEXT);
  return [text.slice(0, EQUAL_TEXT), folded(count(middle.length, "equal character"), () => [middle]), text.slice(-EQUAL_TEXT)];
}

function folded(text, unfold) {
  const button = make("button", { type: "button", class: "fold", click: () => button.replaceWith(...unfold()) }, `… ${text} …`);
  return button;
}

// Blocks of lines: of those that are equal on both sides, and of those between them.
function blocks(parts) {
  const found = [];
  let left = [[]], right = [[]];
  const close = (old, fresh) => {
    const same = old.length === 1 && fresh.length === 1 && [...old[0], ...fresh[0]].every(([sign]) => sign === "=");
    if (old.length || fresh.length) found.push({ same, left: old, right: fresh });
  };
  for (const [sign, text] of parts) {
    if (sign === "=" && !left.at(-1).length && !right.at(-1).length) {
      close(left.slice(0, -1), right.slice(0, -1));
      [left, right] = [[[]], [[]]];
    }
    text.split("\n").forEach((line, at) => {
      if (at && sign === "=") {
        close(left, right);
        [left, right] = [[[]], [[]]];
      } else if (at) (sign === "-" ? left : right).push([]);
      if (line && sign !== "+") left.at(-1).push([sign, line]);
      if (line && sign !== "-") right.at(-1).push([sign, line]);
    });
  }
  const has = (sign) => parts.some((part) => part[0] === "=" || part[0] === sign);
  close(has("-") ? left : [], has("+") ? right : []);
  return found;
}

function lined(parts, isWhole, row, name) {
  const found = blocks(parts);
  const element = make("div", { class: `code ${name}` });
  for (let from = 0, to; from < found.length; from = to) {
    for (to = from; to < found.length && found[to].same === found[from].same; to += 1);
    const run = found.slice(from, to);
    const before = from ? EQUAL_LINES : 0, after = to < found.length ? EQUAL_LINES : 0;
    if (!run[0].same || isWhole || run.length <= before + after + 1) element.append(...run.flatMap(row));
    else {
      const hidden = run.slice(before, run.length - after);
      element.append(...run.slice(0, before).flatMap(row), folded(count(hidden.length, "equal line"), () => hidden.flatMap(row)),
        ...(after ? run.slice(-after) : []).flatMap(row));
    }
  }
  return element;
}

function lineOf(line, sign) {
  const side = { "-": "old", "+": "new" }[sign] || "";
  return make("div", { class: `line ${side} ${line.length > 1 ? "" : "all"}` }, line.map(([kind, text]) => mark(kind, text)));
}

function inlineRow({ same, left, right }) {
  return same ? [lineOf(left[0], "=")] : [...left.map((line) => lineOf(line, "-")), ...right.map((line) => lineOf(line, "+"))];
}

function sideRow({ same, left, right }) {
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, at) => at);
  const cell = (line, sign) => line ? lineOf(line, same ? "=" : sign) : make("div", { class: "line none" });
  return rows.map((at) => make("div", { class: "pair" }, cell(left[at], "-"), cell(right[at], "+")));
}
