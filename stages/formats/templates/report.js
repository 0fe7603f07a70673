"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const buckets = all(".bucket:not(.ended)");
  const rules = all(".rule");
  const order = new Map(rules.map((rule, number) => [rule, number]));
  const severities = ["critical", "high", "medium", "low", "unknown"];
  const tools = byId("tools");

  const announce = (text) => { byId("copied").textContent = text; };
  const copyText = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages opened from a file have no clipboard in every browser.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of all(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copyText(button.closest(".fix").querySelector("pre").textContent);
      button.textContent = "Copied";
      announce("The fix is copied");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  const openTarget = () => {
    const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.classList.contains("rule")) return;
    if (target.hidden) reset();
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", openTarget);
  if (!tools) return;
  tools.hidden = false;

  const search = byId("search");
  const texts = new Map();
  const textOf = (rule) => {
    if (!texts.has(rule)) texts.set(rule, rule.textContent.toLowerCase());
    return texts.get(rule);
  };
  const chosen = (name) => new Set(all(`input[name=${name}]:checked`, tools).map((box) => box.value));
  const filter = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = chosen("status");
    const levels = chosen("severity");
    let count = 0;
    for (const rule of rules) {
      const fits = statuses.has(rule.dataset.status) && levels.has(rule.dataset.severity) &&
        terms.every((term) => textOf(rule).includes(term));
      rule.hidden = !fits;
      if (fits) count += 1;
    }
    for (const group of all(".rules-group")) group.hidden = !group.querySelector(".rule:not([hidden])");
    for (const bucket of buckets) {
      bucket.hidden = !bucket.querySelector(".rule:not([hidden])");
      if (terms.length && !bucket.hidden) bucket.open = true;
    }
    byId("shown").textContent = `${count} of ${rules.length} rules`;
    byId("nothing").hidden = count > 0;
  };
  const reset = () => {
    search.value = "";
    for (const box of all("input[type=checkbox]", tools)) box.checked = true;
    filter();
  };
  let timer;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 60); });
  tools.addEventListener("change", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());

  const sections = new Map(buckets.map((bucket) => [bucket, all(".rules-group", bucket)]));
  const members = new Map(all(".rules-group").map((group) => [group, all(".rule", group)]));
  const bySeverity = (bucket) => {
    const found = all(".rule", bucket).sort((a, b) => order.get(a) - order.get(b));
    return severities.flatMap((severity) => {
      const part = found.filter((rule) => rule.dataset.severity === severity);
      if (!part.length) return [];
      const group = document.createElement("section");
      const title = document.createElement("h3");
      const count = document.createElement("span");
      group.className = "rules-group";
      count.className = "count";
      count.textContent = part.length;
      title.append(`${severity[0].toUpperCase()}${severity.slice(1)} `, count);
      group.append(title, ...part);
      return [group];
    });
  };
  byId("grouping").addEventListener("change", (event) => {
    for (const bucket of buckets) {
      const old = all(".rules-group", bucket);
      if (event.target.value === "severity") {
        bucket.append(...bySeverity(bucket));
      } else {
        for (const group of sections.get(bucket)) group.append(...members.get(group));
        bucket.append(...sections.get(bucket));
      }
      for (const group of old) if (!group.querySelector(".rule")) group.remove();
    }
    filter();
  });

  const shown = () => all(".bucket[open] .rule:not([hidden])");
  const expand = byId("expand");
  const openAll = () => {
    const open = expand.textContent === "Open all";
    for (const rule of shown()) rule.open = open;
    expand.textContent = open ? "Close all" : "Open all";
  };
  expand.addEventListener("click", openAll);
  const help = byId("help");
  byId("help-button").addEventListener("click", () => help.showModal());
  const step = (by) => {
    const visible = shown();
    const now = visible.indexOf(document.activeElement.closest(".rule"));
    const next = visible[Math.min(Math.max(now + by, 0), visible.length - 1)];
    if (next) next.querySelector("summary").focus();
  };
  const keys = { "/": () => search.focus(), j: () => step(1), k: () => step(-1), e: openAll, "?": () => help.showModal() };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape") { reset(); search.blur(); return; }
    if (event.target.matches("input[type=search],select,textarea")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])").filter((part) => part.matches(".bucket, .bucket[data-bucket=fail] .rule"));
    for (const part of closed) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of closed) part.open = false; });
  filter();
  openTarget();
})();
