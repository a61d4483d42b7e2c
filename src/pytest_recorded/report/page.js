// The page of a report. Its law: the hash of the URL says all that is chosen, so that a link shows the same; and only
// what is seen is made.
const data = JSON.parse(document.getElementById("data").textContent);
const { head, groups, calls, values, wholes } = data;
const ACCEPTS = "pytest --record-accept=";
const ROWS = 200, CARDS = 10, WHOLE_CARDS = 2, ON_PAPER = 100, CALLS_ON_PAPER = 5;
const CHOICES = ["class", "test", "kind", "model", "q", "view", "show", "group", "call", "open"];
const FILTERS = ["class", "test", "kind", "model", "q"];
const UNFILTERED = Object.fromEntries(FILTERS.map((name) => [name, ""]));
const OPERATIONS = { add: "added", remove: "removed", replace: "replaced", reorder: "in another order", invalid: "invalid" };
const byFingerprint = new Map(groups.map((group, at) => [group.fingerprint, at]));
const byId = new Map(calls.map((call, at) => [call.id, at]));
const later = new Map();
calls.forEach((call, at) => {
  if (call.chain !== undefined) later.set(call.chain, [...(later.get(call.chain) || []), at]);
});

// What is chosen: it lives in the hash.

let state = read();

function read() {
  const found = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(CHOICES.map((name) => [name, found.get(name) || ""]));
}

function link(chosen) {
  const named = CHOICES.filter((name) => chosen[name]).map((name) => [name, chosen[name]]);
  return "#" + new URLSearchParams(named);
}

function choose(chosen, { quietly = false } = {}) {
  state = { ...state, ...chosen };
  const hash = link(state);
  if (hash !== (location.hash || "#")) history[quietly ? "replaceState" : "pushState"](null, "", hash);
  render();
}

// What is seen of it.

const texts = [];
function textOf(at) {
  if (texts[at] === undefined) {
    const { id, kind, name = "", model = "", request, hint = "", tests, changes } = calls[at];
    const places = changes.map((change) => `${change.where}\n${change.fingerprint}`);
    const side = (edit, other) => edit.parts.map((part) => part[0] === other ? "" : part.slice(1)).join("");
    const parts = (values[at] || []).flatMap((edit) => [side(edit, "+"), side(edit, "-")]);
    texts[at] = [id, kind, name, model, request, hint, ...tests, ...places, ...parts].join("\n").toLowerCase();
  }
  return texts[at];
}

let seen = { key: undefined };
function visible() {
  const key = FILTERS.map((name) => state[name]).join("\n");
  if (seen.key === key) return seen;
  const classes = state.class ? state.class.split(",") : undefined;
  const words = state.q.toLowerCase();
  const fits = calls.map((call, at) =>
    (!state.test || call.tests.includes(state.test)) && (!state.kind || call.kind === state.kind) &&
    (!state.model || call.model === state.model) && (!words || textOf(at).includes(words)));
  const found = [];
  groups.forEach((group, at) => {
    if (classes && !classes.includes(group.class)) return;
    const members = group.calls.filter((member) => fits[member]);
    if (members.length) found.push({ at, members });
  });
  seen = { key, found, number: new Set(found.flatMap((one) => one.members)).size };
  return seen;
}

// The chosen group and call; the first group if none is, or if it is filtered out.
function current() {
  const { found } = visible();
  const call = byId.get(state.call);
  const wanted = byFingerprint.get(state.group);
  const holds = (one) => (wanted === undefined || one.at === wanted) && (call === undefined || one.members.includes(call));
  const one = found.find(holds) || found.find((other) => other.at === wanted) || found[0];
  return { one, call: one && call !== undefined && one.members.includes(call) ? call : undefined };
}

function rowsOf() {
  const { one, call } = current();
  const isOpen = state.open || call !== undefined;
  return visible().found.flatMap((each) => [
    { one: each },
    ...(isOpen && each === one ? each.members.map((member) => ({ one: each, call: member })) : []),
  ]);
}

// The list.

let list = { key: undefined, rows: [], made: 0 };

function renderList() {
  const { one, call } = current();
  const key = [visible().key, one && one.at, state.open || call !== undefined].join("\n");
  const nav = get("list");
  if (key !== list.key) {
    const top = nav.scrollTop;
    list = { key, rows: rowsOf(), made: 0 };
    nav.replaceChildren();
    if (!list.rows.length) {
      nav.append(make("p", { class: "empty" }, groups.length ? "No change fits these filters." : "Nothing has changed."));
    }
    extend(ROWS);
    nav.scrollTop = top;
  }
  const at = list.rows.findIndex((row) => row.one === one && row.call === call);
  while (list.made <= at) extend(ROWS);
  nav.querySelector("[aria-current]")?.removeAttribute("aria-current");
  const row = at < 0 ? undefined : nav.querySelector(`[data-row="${at}"]`);
  row?.setAttribute("aria-current", "true");
  row?.scrollIntoView({ block: "nearest" });
  return row;
}

function extend(number) {
  const nav = get("list");
  nav.querySelector(".more")?.remove();
  const rows = list.rows.slice(list.made, list.made + number);
  nav.append(...rows.map((row, at) => rowElement(row, list.made + at)));
  list.made += rows.length;
  if (list.made < list.rows.length) nav.append(moreElement(nav, () => extend(ROWS)));
}

function rowElement({ one, call }, at) {
  if (call !== undefined) {
    const { request, tests } = calls[call];
    return make("button", { type: "button", class: "row call-row", "data-row": at },
      make("span", { class: "where" }, request), make("span", { class: "sub" }, tests[0] || ""));
  }
  const group = groups[one.at];
  const members = one.members.map((member) => calls[member]);
  const follows = members.every((member) => member.chain !== undefined);
  const kinds = [...new Set(members.map((member) => member.name || member.kind))];
  const isOpen = list.rows[at + 1]?.one === one;
  return make("button", { type: "button", class: `row ${group.class}`, "data-row": at, "aria-expanded": String(isOpen) },
    make("span", { class: "sub" }, make("b", {}, group.class), ` ${kinds.slice(0, 2).join(", ")}${kinds.length > 2 ? ", …" : ""}`,
      follows ? " · follows from another change" : ""),
    make("span", { class: "count", title: count(members.length, "call") }, one.members.length > 1 ? `×${one.members.length}` : ""),
    make("span", { class: "where" }, pathOf(group.where)));
}

// What has changed, in full.

let detail;

function renderDetail() {
  const { one, call } = current();
  const section = get("detail");
  const key = [visible().key, one && one.at, call, state.view, state.show].join("\n");
  if (key === detail) return;
  detail = key;
  section.replaceChildren();
  section.scrollTop = 0;
  if (!one) return;
  const group = groups[one.at];
  section.append(...(call === undefined ? [groupHead(group, one.members)] : [wayBack(group)]));
  if (call !== undefined) section.append(card(call));
  else addCards(section, group, one.members, 0);
}

function addCards(section, group, members, from) {
  section.querySelector(":scope > .more")?.remove();
  const to = from + (state.show ? WHOLE_CARDS : CARDS);
  section.append(...members.slice(from, to).map((member) => card(member, group)));
  if (to < members.length) section.append(moreElement(section, () => addCards(section, group, members, to)));
}

function groupHead(group, members) {
  const [old, fresh] = group.types;
  const types = old || fresh ? (old === fresh ? old : `${old || "absent"} → ${fresh || "absent"}`) : "";
  const facts = [OPERATIONS[group.op] || group.op, types, count(members.length, "call"), `group ${group.fingerprint}`];
  const accept = head.mode === "verify" && group.class !== "error" ? [copied(ACCEPTS + group.fingerprint)] : [];
  return make("div", { class: "group-head" },
    make("h2", {}, chip(group.class), make("code", {}, pathOf(group.where))),
    make("p", { class: "facts" }, facts.filter(Boolean).join(" · ")), ...accept);
}

function copied(command) {
  const code = make("code", {}, command);
  const button = make("button", { type: "button", click: async () => {
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch {
      // It is not allowed everywhere.
      getSelection().selectAllChildren(code);
    }
  } }, "Copy");
  return make("p", { class: "command" }, make("span", {}, "Take the new answers: "), code, button);
}

const wayBack = (group) => make("p", { class: "facts" },
  to({ group: group.fingerprint, call: "", open: "1" }, `← ${group.class} ${group.where}`));

function to(chosen, text) {
  return make("a", { href: link({ ...state, ...chosen }), click: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(chosen);
  } }, text);
}

function card(at, group) {
  const call = calls[at];
  const mine = call.changes.map((change, place) => [change, (values[at] || [])[place]])
    .filter(([change]) => !group || change.fingerprint === group.fingerprint);
  const recorded = call.recorded_at && `recorded ${call.recorded_at.slice(0, 10)}`;
  const facts = [call.name, call.kind, call.model && `model ${call.model}`, recorded];
  const article = make("article", { class: "call" },
    make("h3", {}, group ? to({ group: group.fingerprint, call: call.id }, call.request) : call.request),
    make("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    make("p", { class: "tests" }, call.tests.map((test) => to({ test }, test))));
  if (call.hint) article.append(make("p", { class: "hint" }, call.hint));
  article.append(...chainOf(call, at));
  if (call.metrics.length) article.append(figuresOf(call.metrics));
  const whole = state.show ? wholes[at] : undefined;
  if (state.show && !whole) article.append(told("The whole answer is not in this report; this has changed:"));
  if (whole) article.append(make("div", { class: "change" }, ...diff(whole, true, Boolean(state.view))));
  else article.append(...mine.map(([change, edit]) => changeElement(change, edit, group)));
  const others = call.changes.length - mine.length + call.more;
  const all = { group: group?.fingerprint, call: call.id };
  if (!whole && group && others) article.append(make("p", {}, to(all, `and ${count(others, "other change")} of this call`)));
  else if (!group && call.more) article.append(told(`and ${count(call.more, "other change")} not listed in this report`));
  return article;
}

function chainOf(call, at) {
  // It may be one that the filters leave out.
  const linked = (member) => to({ ...UNFILTERED, group: "", call: calls[member].id }, calls[member].request);
  if (call.chain !== undefined) {
    const first = calls[call.chain] ? linked(call.chain) : "it is not in this report";
    return [make("p", { class: "chain" }, "Follows from a changed answer before it: ", first)];
  }
  const members = later.get(at);
  if (!members) return [];
  const more = members.length > 5 ? `and ${count(members.length - 5, "other call")}` : "";
  const asks = `${count(members.length, "later call")} of its test ${members.length === 1 ? "asks" : "ask"}`;
  return [make("p", { class: "chain" }, `${asks} something else because of it: `, members.slice(0, 5).map(linked), more)];
}

function changeElement(change, edit, group) {
  return make("div", { class: "change" },
    make("h4", {}, group && group.class === change.class ? "" : chip(change.class), make("code", {}, pathOf(change.where)),
      make("span", { class: "sub" }, [change.said || OPERATIONS[change.op] || change.op, change.similarity].filter(Boolean).join(", "))),
    ...(edit ? diff(edit, false, Boolean(state.view)) : [told("Its values found no room in this page.")]));
}

// The page around it.

function renderHead() {
  const chosen = state.class ? state.class.split(",") : [];
  for (const button of get("classes").children) button.setAttribute("aria-pressed", String(chosen.includes(button.dataset.class)));
  for (const name of ["test", "kind", "model"]) get(name).value = state[name];
  if (get("q").value !== state.q) get("q").value = state.q;
  get("clear").disabled = !FILTERS.some((name) => state[name]);
  for (const button of document.querySelectorAll("[data-set]")) {
    button.setAttribute("aria-pressed", String(state[button.dataset.set] === button.dataset.to));
  }
  const { found, number } = visible();
  get("status").textContent = `${count(found.length, "group")}, ${count(number, "call")}`;
}

function render() {
  renderHead();
  const row = renderList();
  renderDetail();
  return row;
}

function build() {
  get("title").textContent = head.changed ? count(head.changed, "changed response") : "No changed responses";
  get("subtitle").textContent = [`of ${count(Math.max(head.compared, head.changed), "call")}`, head.mode, ...head.cassettes].join(" · ");
  get("classes").append(...head.classes.map(totalElement));
  get("metrics").append(...figuresOf(head.metrics).children);
  get("notes").append(...data.cuts.map(told));
  note("Not made again", head.not_verified, (line) => make("li", {}, line));
  const ini = head.noise.length ? ["record_ignore =", ...head.noise.map((path) => "    " + path)] : [];
  note("Varies from one live answer to the next; to ignore it, in the ini file", ini,
    (line) => make("li", {}, make("code", {}, line)));
  get("how-much").hidden = !wholes.length;
  const sorted = (found) => [...new Set(found)].sort();
  fill("test", "All tests", sorted(calls.flatMap((call) => call.tests)));
  fill("kind", "All kinds", sorted(calls.map((call) => call.kind)));
  fill("model", "All models", sorted(calls.map((call) => call.model).filter(Boolean)));
}

function totalElement({ name, calls: number, groups: of, meaning }) {
  const title = `${meaning}: the worst change of ${count(number, "call")}, and ${count(of, "group")}`;
  return make("button", { type: "button", class: `total ${name}`, "data-class": name, title, click: () => toggleClass(name) },
    make("b", {}, number.toLocaleString("en")), make("span", {}, name));
}

function note(title, lines, line) {
  if (lines.length) get("notes").append(make("details", {}, make("summary", {}, title), make("ul", {}, lines.map(line))));
}

function fill(name, all, names) {
  get(name).append(make("option", { value: "" }, all), ...names.map((each) => make("option", { value: each }, each)));
  get(name).hidden = names.length < 2;
}

function toggleClass(name) {
  const chosen = state.class ? state.class.split(",") : [];
  const others = chosen.filter((other) => other !== name);
  choose({ class: (others.length < chosen.length ? others : [...chosen, name]).join(",") });
}

const toggled = (name, to) => ({ [name]: state[name] ? "" : to });

function select(row, more) {
  choose({ group: groups[row.one.at].fingerprint, call: row.call === undefined ? "" : calls[row.call].id, open: state.open, ...more });
}

function move(by) {
  const { one, call } = current();
  const at = list.rows.findIndex((row) => row.one === one && row.call === call);
  const row = list.rows[at + by];
  if (!row) return;
  const stays = row.one === one && (row.call !== undefined || call !== undefined || state.open);
  select(row, { open: stays ? "1" : "" });
  get("list").querySelector("[aria-current]")?.focus({ preventScroll: true });
}

function listen() {
  get("list").addEventListener("click", (event) => {
    const button = event.target.closest("[data-row]");
    if (!button) return;
    const row = list.rows[Number(button.dataset.row)];
    if (row.call === undefined) select(row, { open: button.getAttribute("aria-expanded") === "true" ? "" : "1" });
    else select(row);
    get("list").querySelector("[aria-current]")?.focus({ preventScroll: true });
    if (row.call !== undefined) get("detail").scrollIntoView({ block: "nearest" });
  });
  for (const name of ["test", "kind", "model"]) get(name).addEventListener("change", () => choose({ [name]: get(name).value }));
  get("q").addEventListener("input", () => choose({ q: get("q").value }, { quietly: true }));
  get("filters").addEventListener("submit", (event) => event.preventDefault());
  get("clear").addEventListener("click", () => choose(UNFILTERED));
  for (const button of document.querySelectorAll("[data-set]")) {
    button.addEventListener("click", () => choose({ [button.dataset.set]: button.dataset.to }));
  }
  get("help-button").addEventListener("click", () => get("help").showModal());
  addEventListener("popstate", () => { state = read(); render(); });
  addEventListener("beforeprint", toPaper);
  addEventListener("afterprint", () => get("paper").replaceChildren());
  document.addEventListener("keydown", press);
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  s: () => choose(toggled("view", "side")),
  w: () => choose(toggled("show", "whole")),
  "/": () => get("q").select(),
  "?": () => get("help").showModal(),
};

function press(event) {
  if (event.key === "Escape" && event.target === get("q")) {
    // A browser would empty it, and not say so.
    event.preventDefault();
    get("q").blur();
  }
  const isTyping = event.target.closest("input, select, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && !event.target.closest("button, a, summary")) get("list").querySelector("[aria-current]")?.click();
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

// On paper there is no list to choose from: the groups stand below each other.
function toPaper() {
  const { found } = visible();
  const parts = found.slice(0, ON_PAPER).flatMap(({ at, members }) => [
    groupHead(groups[at], members),
    ...members.slice(0, CALLS_ON_PAPER).map((member) => card(member, groups[at])),
    ...(members.length > CALLS_ON_PAPER ? [told(`and ${count(members.length - CALLS_ON_PAPER, "other call")}`)] : []),
  ]);
  if (found.length > ON_PAPER) parts.push(told(`and ${count(found.length - ON_PAPER, "other group")}`));
  get("paper").replaceChildren(...parts);
}

build();
listen();
render();
