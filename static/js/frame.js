// The provenance drawer, the keyboard, the help. Every link it handles is a plain link without it.
(() => {
  const drawer = document.getElementById("drawer");
  const help = document.getElementById("help");
  const pages = new Map(); // second key -> link: the first letter of its words that no page before it has
  let waitingForSecondKey = false;

  // On a phone the tabs and the bar of pages are wider than the window.
  for (const here of document.querySelectorAll(".tabs [aria-current], .rail [aria-current]")) {
    here.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  for (const link of document.querySelectorAll(".rail li a")) {
    const words = link.textContent.trim();
    const key = [...words.toLowerCase()].find((letter) => /[a-z]/.test(letter) && !pages.has(letter));
    if (!key) continue;
    pages.set(key, link);
    const term = document.createElement("dt");
    for (const part of ["g", key]) {
      const kbd = document.createElement("kbd");
      kbd.textContent = part;
      term.append(kbd, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = words;
    document.getElementById("key-list")?.append(term, meaning);
  }

  // How many alerts wait: asked once a minute while somebody may be looking, answered by 304 while nothing changes. It
  // says that nobody asked (X-Background), so that a page left open still ends its sign-in.
  const badge = document.querySelector("[data-waiting]");
  let known = "";
  async function askForAlerts() {
    if (document.hidden) return;
    const headers = { "X-Background": "1", Accept: "application/json", ...(known && { "If-None-Match": known }) };
    try {
      const answer = await fetch(badge.dataset.waiting, { headers, redirect: "error" });
      if (answer.status !== 200) return;
      known = answer.headers.get("ETag") ?? "";
      const { waiting } = await answer.json();
      badge.hidden = waiting === 0;
      badge.textContent = `${waiting}`;
      badge.setAttribute("aria-label", `${waiting} waiting`);
    } catch {
      // Signed out, or no network: the next minute asks again, and the next page says which.
    }
  }
  if (badge) {
    askForAlerts();
    setInterval(askForAlerts, 60_000);
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    // Signed out meanwhile: the answer is the sign-in page, and its place is the window, not a corner of this page.
    if (event.detail.xhr.responseURL && new URL(event.detail.xhr.responseURL).pathname !== event.detail.pathInfo.requestPath.split("?")[0]) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "drawer-content" && !drawer.open) drawer.showModal();
  });
  for (const dialog of [drawer, help]) {
    // A click on the backdrop reaches the dialog itself; one inside reaches a child.
    dialog?.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  function typing(target) {
    return target.closest("input, select, textarea, [contenteditable]") !== null;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (waitingForSecondKey) {
      waitingForSecondKey = false;
      pages.get(event.key)?.click();
      return;
    }
    if (event.key === "g") {
      waitingForSecondKey = true;
      setTimeout(() => (waitingForSecondKey = false), 1200);
    } else if (event.key === "/") {
      const search = document.getElementById("search");
      if (!search) return;
      event.preventDefault();
      search.focus();
    } else if (event.key === "?" && help) {
      help.open ? help.close() : help.showModal();
    }
  });
})();
