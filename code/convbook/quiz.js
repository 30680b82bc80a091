/**
 * Makes a form of every quiz whose options are disclosure elements: choose, check, read the reason. The answers stay in
 * the browser, so that a reader finds them again.
 */
(() => {
  /** The answers that were given to a question, the newest last; a question can be answered again until it is right. */
  const kept = {
    failed: false,
    /** @param {string} name @returns {string[]} */
    read(name) {
      try {
        return JSON.parse(localStorage.getItem(name) ?? "[]");
      } catch {
        return []; // no storage, or not ours
      }
    },
    /** @param {string} name @param {string[]} answers */
    write(name, answers) {
      try {
        if (answers.length) localStorage.setItem(name, JSON.stringify(answers));
        else localStorage.removeItem(name);
      } catch {
        kept.failed = true; // the quiz works and forgets
      }
    },
  };

  /**
   * @param {string} tag
   * @param {string} className
   * @param {string} html
   */
  const make = (tag, className, html = "") => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.innerHTML = html;
    return element;
  };

  /** @param {string} text */
  const button = (text) => {
    const element = /** @type {HTMLButtonElement} */ (make("button", "", text));
    element.type = "button";
    return element;
  };

  /**
   * @param {HTMLElement} item of the list: the question and its options
   * @param {() => void} changed called after every answer
   */
  function makeForm(item, changed) {
    const options = [...item.querySelectorAll("details")].map((part) => ({
      html: part.querySelector("summary")?.innerHTML ?? "",
      answer: part.querySelector("summary")?.textContent ?? "",
      why: part.querySelector("p")?.innerHTML ?? "",
      right: (part.querySelector("p")?.textContent ?? "").startsWith("✓"),
    }));
    const name = `convbook.${item.id}`;
    /** @type {string[]} */
    let given = [];

    const form = document.createElement("form");
    const field = make("fieldset", "");
    field.append(make("legend", "", item.querySelector("p")?.innerHTML));
    const inputs = options.map((option) => {
      const label = make("label", "");
      const input = document.createElement("input");
      input.type = "radio";
      input.name = item.id;
      const words = make("span", "", option.html);
      label.append(input, words);
      field.append(label);
      return input;
    });
    const row = make("div", "buttons");
    const check = button("Check");
    check.type = "submit";
    const show = button("Show the answer");
    row.append(check, show);
    const feedback = make("div", "feedback");
    feedback.setAttribute("role", "status");
    form.append(field, row, feedback);

    const solved = () => options.some((option) => option.right && given.includes(option.answer));

    /** Show where the reader stands. */
    function draw() {
      const last = options.findIndex((option) => option.answer === given.at(-1));
      inputs.forEach((input, index) => {
        input.checked = index === last;
        input.disabled = solved();
        const label = /** @type {HTMLElement} */ (input.parentElement);
        const tried = given.includes(options[index].answer);
        label.className = !tried ? "" : options[index].right ? "right" : "wrong";
      });
      feedback.innerHTML = last < 0 ? "" : `<p>${options[last].why}</p>`;
      feedback.className = last < 0 ? "feedback" : `feedback ${options[last].right ? "right" : "wrong"}`;
      check.hidden = solved();
      show.hidden = solved() || last < 0;
      row.hidden = solved();
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const index = inputs.findIndex((input) => input.checked);
      if (index < 0) {
        feedback.innerHTML = "<p>Choose an answer first.</p>";
        return;
      }
      given = [...given.filter((answer) => answer !== options[index].answer), options[index].answer];
      kept.write(name, given);
      draw();
      changed();
    });
    show.addEventListener("click", () => {
      const right = options.find((option) => option.right);
      if (!right) return;
      feedback.innerHTML = `<p><strong>The answer is: ${right.html}.</strong> ${right.why.replace(/<strong>.*?<\/strong>\s*/, "")}</p>`;
      feedback.className = "feedback shown";
      show.hidden = true;
    });
    item.replaceChildren(form);
    draw();

    return {
      /**
       * Take up what was answered before; an answer that the question no longer offers does not count. The right one is
       * the last, also where a file of work has brought others.
       */
      restore() {
        if (kept.failed) return; // the answers are here alone
        const rightness = (/** @type {string} */ answer) => options.find((option) => option.answer === answer)?.right;
        const found = kept.read(name).filter((answer) => rightness(answer) !== undefined);
        found.sort((one, other) => Number(rightness(one)) - Number(rightness(other)));
        if (found.join() === given.join()) return; // what is chosen and not yet checked stays
        given = found;
        draw();
      },
      forget() {
        kept.write(name, []);
        given = [];
        draw();
      },
      tries: () => given.length,
      solved,
    };
  }

  /** @param {HTMLElement} list */
  function makeQuiz(list) {
    const items = /** @type {HTMLElement[]} */ ([...list.children]);
    const score = make("div", "score");
    const words = make("p", "");
    words.setAttribute("role", "status");
    const again = button("Start again");
    score.append(words, again);
    const count = () => {
      const answered = forms.filter((form) => form.tries() > 0).length;
      const solved = forms.filter((form) => form.solved());
      const atOnce = solved.filter((form) => form.tries() === 1).length;
      const text =
        answered === 0
          ? `${forms.length} questions. Choose an answer, then check it.`
          : `${solved.length} of ${forms.length} answered right, ${atOnce} of them at the first try.`;
      if (words.textContent !== text) words.textContent = text; // or a screen reader would say it again
      again.hidden = answered === 0;
    };
    const forms = items.map((item) => makeForm(item, count));
    again.addEventListener("click", () => {
      forms.forEach((form) => form.forget());
      count();
      list.querySelector("input")?.focus();
    });
    const restore = () => {
      forms.forEach((form) => form.restore());
      count();
    };
    restore();
    // The reader has loaded or deleted work, here or in another tab.
    document.addEventListener("convbook-work", restore);
    addEventListener("storage", restore);
    list.classList.add("live");
    list.after(score);
  }

  for (const list of document.querySelectorAll("ol.quiz:not(.live)")) makeQuiz(/** @type {HTMLElement} */ (list));
})();
