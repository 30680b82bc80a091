/** Remembers in the browser which chapters were read to their end, and marks them in the contents. */
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
      link.querySelector(".visually-hidden")?.remove();
      if (isRead) link.insertAdjacentHTML("beforeend", '<span class="visually-hidden"> (read)</span>');
    }
    place.hidden = count === 0;
    place.style.setProperty("--share", String(count / links.length));
    words.textContent = `${count} of ${links.length} chapters read`;
  };

  forget.addEventListener("click", () => {
    write(new Set());
    draw();
  });

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
