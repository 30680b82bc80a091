/**
 * Remembers in the browser which chapters were read to their end, and marks them in the contents, with the exercises that
 * were passed.
 */
(() => {
  const KEY = "convbook.read";
  const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".bd-links a")]).filter((link) =>
    link.querySelector(".number"),
  );
  const place = /** @type {HTMLElement | null} */ (document.querySelector(".reading"));
  const words = place?.querySelector("p");
  const forget = place?.querySelector("button");
  if (!place || !words || !forget) return;

  /** The chapter's file, the same from every page. @param {HTMLAnchorElement} link */
  const chapter = (link) => new URL(link.href).pathname.split("/").at(-1) ?? "";

  const read = () => {
    try {
      return new Set(/** @type {string[]} */ (JSON.parse(localStorage.getItem(KEY) ?? "[]")));
    } catch {
      return new Set(/** @type {string[]} */ ([])); // no storage, or not ours
    }
  };

  /** The exercises of a chapter that were passed, which cells/work.js keeps. @param {HTMLAnchorElement} link */
  const passed = (link) => {
    try {
      const kept = JSON.parse(localStorage.getItem(`convbook.passed.${chapter(link).replace(".html", "")}`) ?? "{}");
      return { count: Number(kept.labels?.length ?? 0), of: Number(kept.of ?? 0) };
    } catch {
      return { count: 0, of: 0 };
    }
  };

  /** @param {Set<string>} chapters */
  const write = (chapters) => {
    try {
      localStorage.setItem(KEY, JSON.stringify([...chapters]));
    } catch {
      // Without storage nothing is remembered.
    }
  };

  const draw = () => {
    const done = read();
    let count = 0;
    for (const link of links) {
      const isRead = done.has(chapter(link));
      count += Number(isRead);
      link.classList.toggle("read", isRead);
      for (const old of link.querySelectorAll(".visually-hidden, .passed")) old.remove();
      link.title = isRead ? "Read to the end" : "";
      if (isRead) link.insertAdjacentHTML("beforeend", '<span class="visually-hidden"> (read)</span>');
      const exercises = passed(link);
      if (!exercises.count) continue;
      const words = `${exercises.count}/${exercises.of}<span class="visually-hidden"> exercises passed</span>`;
      const all = `${exercises.count} of ${exercises.of} exercises passed`;
      link.insertAdjacentHTML("beforeend", `<span class="passed" title="${all}">${words}</span>`);
    }
    place.hidden = count === 0;
    place.style.setProperty("--share", String(count / links.length));
    words.textContent = `${count} of ${links.length} chapters read`;
  };

  forget.addEventListener("click", () => {
    write(new Set());
    draw();
  });

  document.addEventListener("convbook-work", draw);
  addEventListener("storage", draw);

  const end = document.querySelector(".prev-next-footer");
  const here = links.find((link) => link.classList.contains("current"));
  if (end && here) {
    new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting) || window.scrollY === 0) return;
      write(read().add(chapter(here)));
      draw();
    }).observe(end);
  }
  draw();
})();
