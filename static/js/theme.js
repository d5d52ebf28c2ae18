// Before the first paint, so that a dark page never flashes white: this one script is loaded without defer.
(() => {
  const KEY = "theme";
  const CHOICES = ["auto", "light", "dark"];
  const system = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return CHOICES.find((choice) => choice === localStorage.getItem(KEY)) ?? "auto";
    } catch {
      return "auto"; // storage is forbidden in some locked-down browsers
    }
  }

  function show(theme) {
    document.documentElement.dataset.theme = theme;
    document.dispatchEvent(new Event("novamind:theme"));
  }

  function apply() {
    const choice = chosen();
    show(choice === "auto" ? (system.matches ? "dark" : "light") : choice);
    for (const label of document.querySelectorAll("[data-theme-label]")) label.textContent = `Theme: ${choice}`;
  }

  apply();
  system.addEventListener("change", apply);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.printing = "";
    show("light");
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.printing;
    apply();
  });
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const next = CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length];
        try {
          localStorage.setItem(KEY, next);
        } catch {
          return;
        }
        apply();
      });
    }
  });
})();
