// Answers that have not arrived stay in this tab (sessionStorage) until a page says that they have; signing out empties it.
(() => {
  const key = `unsent:${location.pathname}`;
  if (document.querySelector("[data-acknowledged]")) {
    sessionStorage.removeItem(key);
    return;
  }
  const form = document.querySelector("form[data-unsent]");
  if (!form) return;
  const notice = form.querySelector("[data-unsent-notice]");
  // A form that came back with errors shows what was sent; that is newer than what was kept. What it was sent under is
  // used up: kept on, it would have every later sending refused as well.
  const refused = form.querySelector('[role="alert"]') !== null;
  const passed = ["csrfmiddlewaretoken", ...(refused ? ["once", "version", "said_at"] : [])];
  const saidAt = form.elements.said_at; // when the last answer was given: one that is sent in the morning is of last night
  const kept = () => [...form.elements].filter((field) => field.name && !passed.includes(field.name));

  function keep() {
    const said = kept().filter((field) => field.type !== "radio" || field.checked);
    sessionStorage.setItem(key, JSON.stringify(said.map((field) => [field.name, field.value])));
  }

  function restore() {
    const said = JSON.parse(sessionStorage.getItem(key) || "[]");
    for (const [name, value] of said) {
      for (const field of kept().filter((one) => one.name === name)) {
        if (field.type === "radio") field.checked = field.value === value;
        else field.value = value; // also the token under which a second sending counts once
      }
    }
  }

  function now() {
    if (saidAt) saidAt.value = new Date().toISOString();
  }

  if (refused) {
    if (saidAt) saidAt.value = "";
    keep();
  } else restore();
  form.addEventListener("input", () => {
    now();
    keep();
  });
  form.addEventListener("submit", (event) => {
    if (saidAt && !saidAt.value) now();
    keep();
    if (navigator.onLine) return;
    event.preventDefault();
    notice.hidden = false;
    notice.scrollIntoView({ block: "center" });
  });
  addEventListener("online", () => (notice.hidden = true));
})();
