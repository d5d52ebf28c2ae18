// One question a screen, better with a script: steps over what is not asked, Enter goes on, names what is unanswered.
(() => {
  const form = document.querySelector("form.one-by-one");
  if (!form) return;
  const questions = [...form.querySelectorAll("fieldset.item")];
  const unanswered = form.querySelector("[data-unanswered]");
  const given = (question) => question.querySelector("input:checked");

  function isAsked(question) {
    const { askedAfter, askedAt } = question.dataset;
    if (!askedAfter) return true;
    const decides = form.querySelector(`input[name="${askedAfter}"]:checked`);
    return !decides || askedAt.split(" ").includes(decides.value);
  }

  function go(from, step) {
    let place = questions.indexOf(from) + step;
    while (questions[place] && !isAsked(questions[place])) place += step;
    if (!questions[place]) return form.querySelector("button[type=submit]").focus();
    location.hash = questions[place].id;
    show(); // the event "hashchange" comes later than the next key of a fast hand
  }

  // What is not asked is not sent: an answer chosen before is taken back, unless it speaks of self-harm.
  function settle() {
    const asked = questions.filter(isAsked);
    questions.filter((one) => !asked.includes(one)).forEach((one) => {
      if (given(one) && !("safety" in one.dataset)) given(one).checked = false;
    });
    form.classList.toggle("at-the-end", questions.find((one) => one.matches(":target")) === asked.at(-1));
    const left = asked.filter((one) => !given(one)).map((one) => questions.indexOf(one) + 1);
    unanswered.hidden = !left.length;
    unanswered.textContent = `Not answered: ${left.join(", ")}. You may leave a question out.`;
  }

  function show() {
    settle();
    const shown = questions.find((one) => one.matches(":target"));
    // Focus that is inside already stays: this runs twice for one step.
    if (!shown?.contains(document.activeElement)) shown?.focus();
  }

  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-next], [data-back]");
    if (!link) return;
    event.preventDefault();
    go(link.closest("fieldset"), "next" in link.dataset ? 1 : -1);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.type !== "radio") return;
    event.preventDefault();
    go(event.target.closest("fieldset"), 1);
  });
  form.addEventListener("input", settle);
  addEventListener("hashchange", show);
  settle();
})();
