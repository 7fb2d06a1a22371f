"use strict";
(() => {
  const form = document.getElementById("form");
  const users = [...form.querySelectorAll("fieldset")];
  const told = document.getElementById("told");
  const progress = document.getElementById("progress");
  const filter = document.getElementById("filter");
  const open = document.getElementById("open");
  let saved = true;

  const field = (user, name) => user.querySelector(`[data-field="${name}"]`);
  const decision = (user) => (user.querySelector("input[type=radio]:checked") || { value: "" }).value;

  function shape(user) {
    const chosen = decision(user);
    const boxed = chosen === "time-box";
    const until = field(user, "until");
    until.closest("label").hidden = !boxed;
    until.required = boxed;
    field(user, "reason").required = chosen === "revoke" || boxed;
    user.querySelector(".must").hidden = !field(user, "reason").required;
    user.dataset.decision = chosen;
  }

  function count() {
    const left = users.filter((user) => !decision(user)).length;
    progress.textContent = left
      ? `${users.length - left} of ${users.length} decided, ${left} left`
      : `All ${users.length} decided`;
  }

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const user of users) {
      const text = user.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      user.hidden = !fits || (open.checked && Boolean(decision(user)) && !user.contains(document.activeElement));
    }
  }

  function wrong(user) {
    const chosen = decision(user);
    if (!chosen) return "Please decide: keep, revoke or time-box.";
    if (chosen === "keep") return "";
    if (chosen === "time-box") {
      const until = field(user, "until");
      if (!until.value) return "Please say until which day.";
      if (until.min && until.value < until.min) return "That day is over already: revoke says that.";
    }
    return field(user, "reason").value.trim() ? "" : "Please say why.";
  }

  function check() {
    for (const user of users) {
      user.querySelector(".wrong").textContent = "";
      user.removeAttribute("aria-describedby");
    }
    const bad = users.filter(wrong);
    told.className = bad.length ? "bad" : "good";
    told.textContent = "";
    if (!bad.length) return true;
    filter.value = "";
    open.checked = false;
    show();
    for (const user of bad) {
      const note = user.querySelector(".wrong");
      note.textContent = wrong(user);
      user.setAttribute("aria-describedby", note.id);
    }
    told.textContent = `Nothing was saved: ${bad.length} of ${users.length} need a look. The first is ${bad[0].dataset.userName}.`;
    const first = decision(bad[0])
      ? [field(bad[0], "until"), field(bad[0], "reason")].find((each) => each.required && !each.value.trim()) || field(bad[0], "until")
      : bad[0].querySelector("input[type=radio]");
    first.focus();
    bad[0].scrollIntoView({ block: "center" });
    return false;
  }

  function answers() {
    return {
      schema: form.dataset.schema,
      campaign: form.dataset.campaign,
      reviewer: form.dataset.reviewer,
      rows: users.map((user) => ({
        user_id: user.dataset.userId,
        user_name: user.dataset.userName,
        digest: user.dataset.digest,
        decision: decision(user),
        until: decision(user) === "time-box" ? field(user, "until").value : "",
        reason: field(user, "reason").value.replace(/\s+/g, " ").trim(),
      })),
    };
  }

  form.addEventListener("input", (event) => {
    const user = event.target.closest("fieldset");
    if (!user) return;
    saved = false;
    shape(user);
    count();
    if (!wrong(user)) user.querySelector(".wrong").textContent = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!check()) return;
    const text = JSON.stringify(answers(), null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `answers-${form.dataset.campaign}-${form.dataset.reviewer}.json`;
    link.click();
    saved = true;
    told.textContent = `Saved as ${link.download}. Send this file to ${form.dataset.contact}.`;
  });
  filter.addEventListener("input", show);
  open.addEventListener("change", show);
  window.addEventListener("beforeunload", (event) => {
    if (!saved) event.preventDefault();
  });
  users.forEach(shape);
  count();
  document.getElementById("tools").hidden = false;
})();
