"use strict";
// The lists of the report, from the JSON above. Every text goes in as text, never as markup.
(() => {
const report = JSON.parse(document.getElementById("data").textContent);
const { stages, tones, controls, short, gates } = report.words;
const DAY = 86400000, SVG = "http://www.w3.org/2000/svg";
const byId = id => document.getElementById(id);

// --- words ---------------------------------------------------------------------------------------
const at = text => text ? Date.parse(text.slice(0, 10) + "T00:00:00Z") : null;
const dayFormat = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const shortFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const day = text => text ? dayFormat.format(at(text)).replace(",", "") : "";
const count = (n, one, many) => `${n} ${n === 1 ? one : many || one + "s"}`;
const ago = n => n === null ? "" : n <= 0 ? "today" : `${count(n, "day")} ago`;
const left = n => n === null ? "" : n === 0 ? "today" : n > 0 ? `in ${count(n, "day")}` : `${count(-n, "day")} ago`;
const moment = text => text === "never" || text === "unknown" ? text : (text || "").slice(0, 16).replace("T", " ");
const today = at(report.on);

// --- elements ------------------------------------------------------------------------------------
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== "") made.append(child);
  return made;
}
function svg(tag, attributes, title) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  if (title) { const told = document.createElementNS(SVG, "title"); told.textContent = title; made.append(told); }
  return made;
}
const badge = (words, tone) => el("span", { class: `badge ${tone}` }, words);
const small = words => words ? el("span", { class: "small" }, words) : null;
const cell = (label, ...children) => el("td", { "data-label": label }, ...children);

// --- a list: filters, order, pages ---------------------------------------------------------------
const lists = {};
function list({ name, noun, rows, text, filters, sorts, first, show, size }) {
  const state = { page: 0, sort: first || null, down: false, words: "" };
  const found = rows.map(row => text(row).join("\n").toLowerCase());
  const controlsBox = byId(`${name}-controls`), pagerBox = byId(`${name}-pager`);
  const status = el("p", { class: "status", role: "status" });
  const selects = {};
  const search = el("input", { type: "search", id: `${name}-search`, autocomplete: "off", spellcheck: "false" });
  controlsBox.append(el("label", { for: `${name}-search` }, "Search", search));
  for (const filter of filters) {
    const select = el("select", { id: `${name}-${filter.field}` }, filter.options.map(([value, words]) => el("option", { value }, words)));
    select.addEventListener("change", () => { state.page = 0; draw(); });
    controlsBox.append(el("label", { for: select.id }, filter.label, select));
    selects[filter.field] = select;
  }
  const reset = el("button", { type: "button" }, "Show all");
  reset.addEventListener("click", () => { search.value = ""; for (const select of Object.values(selects)) select.selectedIndex = 0; state.page = 0; draw(); search.focus(); });
  controlsBox.append(reset, status);
  search.addEventListener("input", () => { state.page = 0; draw(); });
  const back = el("button", { type: "button" }, "Previous"), forth = el("button", { type: "button" }, "Next"), where = el("span", {});
  back.addEventListener("click", () => { state.page--; draw(); });
  forth.addEventListener("click", () => { state.page++; draw(); });
  pagerBox.append(back, where, forth);

  function matching() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = filters.map(filter => [filter.test, selects[filter.field].value]).filter(([, value]) => value !== "");
    const out = [];
    for (let n = 0; n < rows.length; n++) if (words.every(word => found[n].includes(word)) && tests.every(([test, value]) => test(rows[n], value))) out.push(rows[n]);
    if (state.sort) {
      const key = sorts[state.sort], keys = new Map(out.map(row => [row, key(row)])), turn = state.down ? -1 : 1;
      // What is missing comes last, whichever way the rest is turned.
      out.sort((a, b) => { const x = keys.get(a), y = keys.get(b); if (x === y) return 0; if (x === null || x === "") return 1; if (y === null || y === "") return -1; return (x < y ? -1 : 1) * turn; });
    }
    return out;
  }
  function draw(all) {
    const chosen = matching(), each = all ? chosen.length || 1 : size;
    const pages = Math.max(1, Math.ceil(chosen.length / each));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const from = state.page * each, page = chosen.slice(from, from + each);
    show(page, state);
    status.textContent = chosen.length === rows.length ? count(rows.length, noun) : `${chosen.length} of ${count(rows.length, noun)}`;
    pagerBox.hidden = pages === 1;
    where.textContent = chosen.length ? `${from + 1} to ${from + page.length} of ${chosen.length}` : "";
    back.disabled = state.page === 0;
    forth.disabled = state.page === pages - 1;
  }
  function sortBy(key) { state.down = state.sort === key && !state.down; state.sort = key; state.page = 0; draw(); }
  lists[name] = { draw, sortBy, selects, search, state, matching };
  draw();
  return lists[name];
}
function table(name, columns, rowOf) {
  const root = byId(`${name}-table`), heads = {};
  const row = el("tr", {}, columns.map(({ key, words, num }) => {
    const head = el("th", { scope: "col", class: num ? "num" : null }, key ? el("button", { type: "button" }, words) : words);
    if (key) { head.firstChild.addEventListener("click", () => lists[name].sortBy(key)); heads[key] = head; }
    return head;
  }));
  const body = el("tbody", {});
  root.append(el("thead", {}, row), body);
  return (rows, state) => {
    for (const [key, head] of Object.entries(heads)) if (state.sort === key) head.setAttribute("aria-sort", state.down ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
    body.replaceChildren(...(rows.length ? rows.map(rowOf) : [el("tr", {}, el("td", { colspan: columns.length, class: "nothing" }, "Nothing matches."))]));
  };
}

// --- evidence ------------------------------------------------------------------------------------
const evidenceOf = new Map();
for (const line of report.evidence.lines) if (line.user_id) { if (!evidenceOf.has(line.user_id)) evidenceOf.set(line.user_id, []); evidenceOf.get(line.user_id).push(line); }
function fact(name, value, code) { return value ? [el("dt", {}, name), el("dd", {}, code ? el("code", {}, value) : value)] : []; }
function record(line, named) {
  const made = el("details", { class: "record" }, el("summary", {}, el("span", { class: "soft nb" }, `${day(line.at)} · `), named && line.user_name ? el("b", {}, `${line.user_name} `) : "", line.what));
  made.addEventListener("toggle", () => {
    if (!made.open || made.children.length > 1) return;
    made.append(el("dl", { class: "facts" }, fact("Record", `${line.seq} of the audit log`), fact("At", moment(line.at) + " UTC"), fact("Event", line.event, true), fact("Run", line.run_id, true), fact("Case", line.case_id, true), fact("Operation", line.operation_id, true), fact("Digest", line.digest, true), fact("Follows", line.previous, true)));
  });
  return made;
}

// --- cases ---------------------------------------------------------------------------------------
const BEFORE = 18, AFTER = 17, SPAN = BEFORE + AFTER;
const where = when => Math.min(Math.max(((when - today) / DAY + BEFORE) / SPAN * 100, 0), 100);
const pct = value => `${value.toFixed(2)}%`;
function paper() {
  const drawing = svg("svg", { class: "paper", "aria-hidden": "true" });
  for (let n = -BEFORE; n < AFTER; n++) {
    const weekday = new Date(today + n * DAY).getUTCDay();
    if (weekday === 0 || weekday === 6) drawing.append(svg("rect", { class: "weekend", x: pct((n + BEFORE - 0.5) / SPAN * 100), width: pct(100 / SPAN), y: 0, height: "100%" }));
  }
  drawing.append(svg("line", { class: "today", x1: pct(where(today)), x2: pct(where(today)), y1: 0, y2: "100%" }));
  return drawing;
}
function axis() {
  const drawing = svg("svg", { "aria-hidden": "true" });
  for (let n = -BEFORE; n <= AFTER; n++) {
    const when = today + n * DAY;
    if (n === 0) { const t = svg("text", { class: "now", x: pct(where(when)), y: 13 }); t.textContent = "today"; drawing.append(t); }
    else if (new Date(when).getUTCDay() === 1 && Math.abs(n) > 2) { const t = svg("text", { x: pct(where(when)), y: 13 }); t.textContent = shortFormat.format(when); drawing.append(t); }
  }
  byId("cases-axis").append(el("div", { class: "axis", "aria-hidden": "true" }, el("span", {}), drawing));
}
function story(finding) {
  const said = [];
  if (!finding.opened_on) said.push(`seen ${day(finding.first_seen_on)}, nobody was told yet`);
  else said.push(`day 0 was ${day(finding.opened_on)}`, `${count(finding.told.length, "notice")} sent, the last on ${day(finding.told.at(-1)?.on)}`);
  if (finding.handed_over_on) said.push(`new credentials handed over ${day(finding.handed_over_on)}`);
  for (const rung of finding.coming) said.push(`${stages[rung.stage].toLowerCase()} due ${day(rung.on)}`);
  if (finding.enforced_on) said.push(`enforced ${day(finding.enforced_on)}`);
  else if (finding.opened_on) said.push(finding.enforcement_on ? `enforcement on ${day(finding.enforcement_on)}` : "the day of enforcement is open");
  for (const held of finding.held) said.push(`held at gate ${gates[held.gate]}: ${held.reason}`);
  return `${finding.title}: ${said.join("; ")}.`;
}
function lane(finding) {
  const Y = 13, tone = finding.opened_on ? tones[finding.stage] : "faint";
  const drawing = svg("svg", { role: "img", "aria-label": story(finding) });
  const begin = at(finding.opened_on || finding.first_seen_on), end = finding.opened_on ? at(finding.enforced_on || finding.enforcement_on) : null;
  const line = (from, to, cls) => { if (to > from) drawing.append(svg("line", { class: `track ${cls}`, x1: pct(where(from)), x2: pct(where(to)), y1: Y, y2: Y })); };
  if (!finding.opened_on) line(begin, today, "open s-faint");
  else if (end === null) { line(begin, today, `gone s-${tone}`); line(today, today + AFTER * DAY, "open s-red"); }
  else { line(begin, end, "s-faint"); line(begin, Math.min(end, today), `gone s-${tone}`); }
  const inside = when => when >= today - BEFORE * DAY && when <= today + AFTER * DAY;
  for (const told of finding.told) if (inside(at(told.on))) drawing.append(svg("circle", { class: "dot was", cx: pct(where(at(told.on))), cy: Y, r: 5 }, `${stages[told.stage]} sent ${day(told.on)}`));
  for (const rung of finding.coming) if (rung.stage !== "enforcement" && inside(at(rung.on))) drawing.append(svg("circle", { class: "dot", cx: pct(where(at(rung.on))), cy: Y, r: 4.5 }, `${stages[rung.stage]} due ${day(rung.on)}`));
  const sign = (when, made) => { const g = svg("svg", { x: pct(where(when)), y: 0, overflow: "visible", width: 1, height: 1 }); g.append(made); drawing.append(g); };
  if (finding.handed_over_on && inside(at(finding.handed_over_on))) sign(at(finding.handed_over_on), svg("path", { class: "gift", d: `M0 ${Y - 7}L7 ${Y}L0 ${Y + 7}L-7 ${Y}Z` }, `New credentials handed over ${day(finding.handed_over_on)}`));
  if (end !== null && inside(end)) sign(end, svg("rect", { class: finding.enforced_on ? "end was" : "end", x: -5.5, y: Y - 5.5, width: 11, height: 11, rx: 1.5 }, finding.enforced_on ? `Enforced ${day(finding.enforced_on)}` : `Enforcement on ${day(finding.enforcement_on)}`));
  if (finding.held.length) sign(today, svg("rect", { class: "blank", x: -8, y: Y - 8, width: 16, height: 16, rx: 3 }));
  if (finding.held.length) sign(today, svg("path", { class: "gate", d: `M-5 ${Y - 7}h3.6v14h-3.6zM1.4 ${Y - 7}h3.6v14h-3.6z` }, finding.held.map(h => `${gates[h.gate]}: ${h.reason}`).join("; ")));
  return el("span", { class: "lane" }, el("span", { class: "what" }, finding.title, finding.resource_id.startsWith("AKIA") ? ` · ${finding.resource_id}` : ""), drawing);
}
function nextWords(item) {
  if (item.closing) return "everything is in order; one closing mail is owed";
  if (item.unread) return "could not be read today: it stands still";
  if (item.today.length) return `today: ${item.today.join(", ")}`;
  if (!item.opened_on) return "waits for its first notice";
  if (item.next) return `${stages[item.next.stage].toLowerCase()} on ${day(item.next.on)}, ${left(Math.round((at(item.next.on) - today) / DAY))}`;
  if (item.findings.every(f => f.enforced_on)) return `enforced on ${day(item.enforcement_on)}`;
  if (item.enforcement_on && at(item.enforcement_on) < today) return `overdue since ${day(item.enforcement_on)}; its owner is reminded every week`;
  return item.enforcement_on ? `enforcement on ${day(item.enforcement_on)}` : "no day can be named until the gate opens";
}
function keyFacts(finding) {
  const out = [];
  for (const [words, id] of [["Old key", finding.old_key], ["New key", finding.new_key]]) {
    const key = id && keyById.get(id);
    if (key) out.push(...fact(words, `${id}, ${key.active ? "active" : "inactive"}, ${usedWords(key)}`));
  }
  return out;
}
function findingBody(finding) {
  const list = lines => lines.length ? el("ul", {}, lines.map(line => el("li", {}, line))) : null;
  return el("div", { class: "fact" },
    el("h3", {}, finding.title, " ", badge(stages[finding.stage], tones[finding.stage])),
    el("p", {}, `${finding.resource}. ${finding.detail}`),
    el("dl", { class: "facts" },
      fact("Day 0", day(finding.opened_on) || "not begun"), fact("Promised", day(finding.promised_on)),
      fact("Enforcement", finding.enforced_on ? `done on ${day(finding.enforced_on)}` : finding.enforcement_on ? `${day(finding.enforcement_on)}, ${left(finding.days_left)}` : "open"),
      fact("Then", finding.enforced_on ? "" : finding.consequence), fact("To 90 days", finding.days_to_90 === null ? "" : finding.days_to_90 < 0 ? `${count(-finding.days_to_90, "day")} past` : count(finding.days_to_90, "day")),
      finding.held.map(h => fact("Held at", `${gates[h.gate]}: ${h.reason}`)), keyFacts(finding)),
    finding.done.length + finding.remarks.length ? [el("p", { class: "soft" }, "Its owner reads:"), list([...finding.done, ...finding.remarks])] : null,
    finding.told.length ? [el("p", { class: "soft" }, "Told:"), list(finding.told.map(t => `${day(t.on)}: ${stages[t.stage].toLowerCase()}${t.to ? ` to ${t.to}` : ""}${t.enforcement_on ? `, with ${day(t.enforcement_on)} as the day` : ""}`))] : null);
}
function caseRow(item) {
  const tone = item.closing ? "green" : item.opened_on ? tones[item.stage] : "faint", proof = evidenceOf.get(item.user_id) || [];
  const made = el("details", { class: `case ${tone}` },
    el("summary", {},
      el("span", { class: "who" }, el("b", {}, item.user_name), el("br"), item.closing ? badge("In order", "green") : item.opened_on ? badge(stages[item.stage], tone) : badge("Not begun", "navy"), item.held_until ? badge(`on hold until ${day(item.held_until)}`, "red") : "",
        el("span", { class: "next" }, nextWords(item)),
        item.held.map(h => el("span", { class: "held" }, `held at ${gates[h.gate]}: ${h.reason}`))),
      el("span", { class: "lanes" }, item.findings.length ? paper() : "", item.findings.map(lane))));
  made.addEventListener("toggle", () => {
    if (!made.open || made.children.length > 1) return;
    made.append(el("div", { class: "body" },
      el("div", {}, item.findings.map(findingBody)),
      el("div", {}, el("h3", {}, "The case"), el("dl", { class: "facts" }, fact("User", item.user_id, true), fact("Case", item.case_id, true), fact("First seen", day(item.first_seen_on)), fact("Mail goes to", item.addresses.join(", ") || "nobody was told yet"), fact("Extended by", item.extension_days ? count(item.extension_days, "day") : "")),
        el("h3", {}, "Evidence"), proof.length ? proof.map(line => record(line, false)) : el("p", { class: "soft" }, "No record of these days tells of this user."))));
  });
  return made;
}
const keyById = new Map(report.keys.filter(key => key.key_id).map(key => [key.key_id, key]));
const stageOptions = [["", "all stages"], ...report.stages.map(line => [line.stage, stages[line.stage]])];
const controlOptions = [["", "all controls"], ...report.controls.filter(line => line.escalated || report.users.some(user => user.findings.some(f => f.control === line.control))).map(line => [line.control, line.title])];
// Any finding's day: one that is overdue hides no other that is due.
const inWeek = item => item.findings.some(f => f.opened_on && !f.enforced_on && f.enforcement_on && at(f.enforcement_on) >= today && at(f.enforcement_on) <= today + 7 * DAY);
const caseTests = { week: inWeek, held: item => item.held.length > 0, overdue: item => item.stage === "overdue", begun: item => item.opened_on !== null, pending: item => item.opened_on === null, today: item => item.today.length > 0 };
axis();
list({
  name: "cases", noun: "case", rows: report.cases, size: 25,
  text: item => [item.user_name, item.user_id, ...item.addresses, ...item.findings.flatMap(f => [f.title, f.resource_id])],
  filters: [
    { field: "state", label: "Which", options: [["", "all cases"], ["today", "something happens today"], ["week", "due within a week"], ["held", "held at a gate"], ["overdue", "overdue"], ["begun", "begun"], ["pending", "not begun"]], test: (item, value) => caseTests[value](item) },
    { field: "stage", label: "Stage", options: stageOptions, test: (item, value) => !item.closing && item.stage === value },
    { field: "control", label: "Control", options: controlOptions, test: (item, value) => item.findings.some(f => f.control === value) },
    { field: "gate", label: "Gate", options: [["", "all gates"], ...[...new Set(report.cases.flatMap(item => item.held.map(h => h.gate)))].sort().map(gate => [gate, gates[gate]])], test: (item, value) => item.held.some(h => h.gate === value) },
  ],
  show: rows => byId("cases-list").replaceChildren(...(rows.length ? rows.map(caseRow) : [el("p", { class: "nothing" }, report.cases.length ? "Nothing matches." : "No case is open.")])),
});

// --- users ---------------------------------------------------------------------------------------
const isOpen = user => user.findings.some(f => f.status === "open");
const userTests = { open: isOpen, order: user => !isOpen(user) && !user.excluded && !user.unread.length, waived: user => user.findings.some(f => f.status === "waived"), excluded: user => user.excluded !== null, unread: user => user.unread.length > 0, nomfa: user => user.console === true && !user.mfa, case: user => user.case_id !== null };
const severity = { critical: 4, high: 3, medium: 2, low: 1 };
const worst = user => user.findings.reduce((most, f) => f.status === "open" ? most + 100 ** 0 + severity[f.severity] * 10 : most, 0) || null;
function caseOf(user) {
  const item = user.case_id && caseById.get(user.case_id);
  if (!item) return [];
  if (item.closing) return [badge("In order", "green"), small("closing mail owed")];
  if (!item.opened_on) return [badge("Not begun", "navy")];
  return [badge(stages[item.stage], tones[item.stage]), small(day(item.enforcement_on)), item.held.length ? el("span", { class: "small bad" }, "held") : null];
}
const caseById = new Map(report.cases.map(item => [item.case_id, item]));
// "never" only where AWS says so of the password and of every key.
const unsaid = new Set(report.keys.filter(key => key.last_used === "unknown").map(key => key.user_name));
const neverSeen = user => user.signed_in === "never" && !unsaid.has(user.user_name);
const yes = value => value === null ? "?" : value ? "yes" : "no";
list({
  name: "users", noun: "user", rows: report.users, size: 50, first: "name",
  text: user => [user.user_name, user.user_id || "", user.owner || "", ...user.groups, ...user.findings.flatMap(f => [f.resource_id, controls[f.control] || f.control])],
  filters: [
    { field: "state", label: "Which", options: [["", "everybody"], ["open", "with open findings"], ["order", "in order"], ["nomfa", "password without MFA"], ["case", "with a case"], ["waived", "with a waiver"], ["excluded", "excluded"], ["unread", "not read"]], test: (user, value) => userTests[value](user) },
    { field: "control", label: "Finding", options: controlOptions, test: (user, value) => user.findings.some(f => f.control === value) },
    { field: "stage", label: "Stage", options: stageOptions, test: (user, value) => user.stage === value },
  ],
  sorts: { name: u => u.user_name.toLowerCase(), findings: u => worst(u), mfa: u => u.console ? yes(u.mfa) : null, password: u => u.console ? u.password_days : null, key: u => u.oldest_key_days, seen: u => u.last_seen_days, due: u => u.case_id ? u.enforcement_on || "9" : null },
  show: table("users", [{ key: "name", words: "User" }, { key: "findings", words: "Findings" }, { key: "mfa", words: "MFA" }, { key: "password", words: "Password age", num: true }, { key: "key", words: "Oldest key", num: true }, { key: "seen", words: "Last seen", num: true }, { key: "due", words: "Case" }], user => el("tr", {},
    el("td", { class: "name" }, el("b", {}, user.user_name), small(user.owner || `no address: ${user.owner_reason}`)),
    cell("Findings", user.findings.map(f => el("span", { class: `chip ${f.status === "open" ? f.severity : f.status}`, title: `${f.detail}${f.waived_until ? ` Waived until ${f.waived_until}.` : ""}` }, short[f.control] || f.control, f.status === "waived" ? " (waived)" : "")), user.excluded !== null ? small(`excluded: ${user.excluded}`) : null, user.unread.length ? small(`not read: ${user.unread.join("; ")}`) : null, !user.findings.length && !user.unread.length && user.excluded === null ? el("span", { class: "good" }, "in order") : null),
    cell("MFA", user.console ? el("span", { class: user.mfa ? "good" : "bad" }, yes(user.mfa)) : el("span", { class: "soft nb" }, "no password")),
    el("td", { class: "num nb", "data-label": "Password age" }, user.console && user.password_days !== null ? count(user.password_days, "day") : ""),
    el("td", { class: "num nb", "data-label": "Oldest key" }, user.oldest_key_days !== null ? count(user.oldest_key_days, "day") : "", user.active_keys > 1 ? small(`${user.active_keys} keys`) : null),
    el("td", { class: "num nb", "data-label": "Last seen" }, user.last_seen_days === null ? el("span", { class: "soft" }, neverSeen(user) ? "never" : "not known") : ago(user.last_seen_days)),
    cell("Case", caseOf(user)))),
});

// --- keys ----------------------------------------------------------------------------------------
function lastUse(key) {
  // GetAccessKeyLastUsed, where it was asked, is fresher than the credential report.
  const told = key.usage || { last_used: key.last_used, service: key.service, region: key.region };
  const days = told.last_used === "never" || told.last_used === "unknown" ? null : Math.max(Math.floor((Date.parse(report.as_of) - Date.parse(told.last_used)) / DAY), 0);
  return { days, never: told.last_used === "never", place: [told.service, told.region].filter(Boolean).join(", ") };
}
function usedWords(key) {
  const { days, never, place } = lastUse(key);
  return days === null ? (never ? "never used" : "last use not known") : `used ${ago(days)}${place ? ` in ${place}` : ""}`;
}
function meter(days) {
  const drawing = svg("svg", { class: "meter", "aria-hidden": "true" });
  drawing.append(svg("rect", { class: "ground", width: "100%", height: 5, rx: 2.5 }), svg("rect", { class: days >= 90 ? "f-red" : days >= 75 ? "f-amber" : "f-green", width: pct(Math.min(days / 90, 1) * 100), height: 5, rx: 2.5 }));
  return drawing;
}
const keyTests = { active: key => key.active, inactive: key => !key.active, due: key => key.flagged.length > 0, never: key => lastUse(key).never, ours: key => key.made_by_us, old: key => key.active && key.age_days >= 90 };
const keyNotes = key => [key.made_by_us ? `made by Keyreeve${key.replaces ? ` in place of ${key.replaces}` : ""}` : "", key.replaced_by ? `replaced by ${key.replaced_by}` : "", key.inactivated_at ? `made inactive by Keyreeve ${day(key.inactivated_at)}` : "", key.reinstated_until ? `active again until ${moment(key.reinstated_until)}` : "", key.orphan ? "nobody holds its secret" : ""].filter(Boolean);
function usage(key) {
  if (!key.usage || !key.usage.calls.length) return null;
  return el("details", { class: "record" }, el("summary", {}, `${count(key.usage.calls.reduce((sum, c) => sum + c.count, 0), "call")}${key.usage.complete ? "" : " or more"}`), el("ul", {}, key.usage.calls.slice(0, 20).map(c => el("li", {}, `${c.count} × ${c.event} from ${c.source} (${c.agent}), ${c.region}, last ${moment(c.last)}`))));
}
list({
  name: "keys", noun: "key", rows: report.keys, size: 50,
  first: "age", text: key => [key.key_id || "", key.user_name, key.service || "", key.region || ""],
  filters: [
    { field: "state", label: "Which", options: [["", "all keys"], ["active", "active"], ["inactive", "inactive"], ["due", "with a finding"], ["old", "90 days and older"], ["never", "never used"], ["ours", "made by Keyreeve"]], test: (key, value) => keyTests[value](key) },
  ],
  sorts: { key: k => k.key_id, user: k => k.user_name.toLowerCase(), status: k => k.active ? "active" : "inactive", age: k => k.age_days, used: k => lastUse(k).days },
  show: table("keys", [{ key: "key", words: "Access key" }, { key: "user", words: "User" }, { key: "status", words: "Status" }, { key: "age", words: "Age", num: true }, { key: "used", words: "Last used" }, { words: "Remarks" }], key => el("tr", {},
    el("td", { class: "mono", "data-label": "Access key" }, key.key_id || `slot ${key.slot}`),
    el("td", { class: "name", "data-label": "User" }, el("b", {}, key.user_name)),
    cell("Status", key.active ? "active" : el("span", { class: "soft" }, "inactive")),
    el("td", { class: "num", "data-label": "Age" }, key.age_days === null ? "" : count(key.age_days, "day"), key.active && key.age_days !== null ? meter(key.age_days) : null),
    cell("Last used", lastUse(key).days === null ? el("span", { class: "soft" }, usedWords(key)) : [ago(lastUse(key).days), small(lastUse(key).place)], usage(key)),
    cell("Remarks", key.flagged.map(control => el("span", { class: "chip medium" }, short[control] || control)), keyNotes(key).map(small)))),
});
lists.keys.state.down = true; lists.keys.draw();

// --- frameworks ----------------------------------------------------------------------------------
if (report.frameworks.length) {
  const rows = report.frameworks.flatMap(framework => framework.requirements.map(requirement => ({ ...requirement, framework: framework.title })));
  list({
    name: "frameworks", noun: "requirement", rows, size: 40, text: row => [row.framework, row.id, ...row.controls.map(control => controls[control] || control)],
    filters: [
      { field: "framework", label: "Framework", options: [["", "all frameworks"], ...report.frameworks.map(f => [f.title, f.title])], test: (row, value) => row.framework === value },
      { field: "state", label: "Which", options: [["", "all requirements"], ["open", "with open findings"], ["clear", "without"], ["unknown", "not judged"]], test: (row, value) => value === "open" ? row.open > 0 : value === "unknown" ? !row.judged : row.judged && !row.open },
    ],
    show: table("frameworks", [{ words: "Framework" }, { words: "Requirement" }, { words: "Supported by" }, { words: "Open findings" }], row => el("tr", {},
      cell("Framework", row.framework), cell("Requirement", el("b", {}, row.id), row.ours ? " †" : ""),
      cell("Supported by", row.controls.map(control => controls[control] || control).join("; ")),
      cell("Open findings", row.open ? badge(count(row.open, "finding"), "amber") : row.judged ? badge("none", "green") : badge("not judged", "navy"), row.waived ? small(`${row.waived} waived`) : null))),
  });
  lists.frameworks.selects.framework.selectedIndex = 1; lists.frameworks.draw();
}

// --- evidence, all of it -------------------------------------------------------------------------
const kinds = { mail: line => line.event.startsWith("step.notice") || line.event.startsWith("mail."), credentials: line => line.event.startsWith("step.rotation") || line.event.startsWith("step.password"), enforcement: line => line.event.startsWith("step.enforcement") || line.event.startsWith("step.reinstatement"), people: line => line.event.startsWith("people.") || line.event.startsWith("user."), case: line => line.event.startsWith("case."), failed: line => line.event.startsWith("outcome.") };
list({
  name: "evidence", noun: "record", rows: [...report.evidence.lines].reverse(), size: 25,
  text: line => [line.user_name || "", line.user_id || "", line.what, line.event, line.run_id, line.digest, line.operation_id || ""],
  filters: [{ field: "kind", label: "Which", options: [["", "all acts"], ["mail", "mails"], ["credentials", "new credentials"], ["enforcement", "enforcement"], ["people", "decisions of people"], ["case", "findings seen and cleared"], ["failed", "failed or put off"]], test: (line, value) => kinds[value](line) }],
  show: rows => byId("evidence-list").replaceChildren(...(rows.length ? rows.map(line => record(line, true)) : [el("p", { class: "nothing" }, report.evidence.lines.length ? "Nothing matches." : "Nothing was done yet.")])),
});

// --- a figure leads to its list; where the reader is; paper --------------------------------------
document.addEventListener("click", event => {
  const tile = event.target.closest("[data-list]");
  if (!tile) return;
  const { selects, search, state, draw } = lists[tile.dataset.list];
  search.value = "";
  for (const select of Object.values(selects)) select.selectedIndex = 0;
  selects[tile.dataset.field].value = tile.dataset.value;
  state.page = 0; draw();
});
const links = new Map([...document.querySelectorAll("nav a")].map(link => [link.hash.slice(1), link]));
const seen = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting && links.has(entry.target.id)) for (const [id, link] of links) { link.classList.toggle("here", id === entry.target.id); if (id === entry.target.id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); }
}, { rootMargin: "-20% 0px -70% 0px" });
for (const id of links.keys()) seen.observe(byId(id));
addEventListener("beforeprint", () => { for (const { draw } of Object.values(lists)) draw(true); });
addEventListener("afterprint", () => { for (const { draw } of Object.values(lists)) draw(); });
window.keyreeve = Object.freeze({ lists });
})();
