/**
 * Brings a figure to life when the reader comes near, and keeps a page where its address points.
 *
 * Until then nothing of the figure is loaded, not even its host. This is no module, because one cannot be loaded by a
 * page that was opened from disk, and there the reader has to be told.
 */
{
  const AHEAD = "400px"; // a figure that is loaded so early is ready when it comes into view
  const PAUSE = 100; // milliseconds; a figure that only flies past on the way to another place is not loaded
  const places = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".interactive"));

  if (location.protocol === "file:") {
    const words = document.createElement("p");
    words.className = "from-disk";
    words.innerHTML =
      "On a page opened from disk, figures stay still. To bring them to life, run " +
      "<code>python -m http.server</code> in the site's folder and open <code>http://localhost:8000</code>.";
    places[0]?.before(words);
  } else {
    /** @type {Map<Element, number>} */
    const waiting = new Map();
    const near = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          clearTimeout(waiting.get(target));
          if (isIntersecting) waiting.set(target, window.setTimeout(load, PAUSE, target));
        }
      },
      { rootMargin: AHEAD },
    );
    /** @param {HTMLElement} place */
    const load = async (place) => {
      near.unobserve(place);
      const { mount } = await import(new URL(place.dataset.host ?? "", document.baseURI).href);
      await mount(place);
    };
    for (const place of places) {
      const press = place.querySelector(".load"); // of a figure that takes much
      if (!press) near.observe(place);
      press?.addEventListener("click", () => {
        press.remove();
        load(place);
      });
    }

    // The link to a figure's own page takes along what the reader has set. What reads that is loaded when the figure is touched.
    for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".own-page"))) {
      const figure = /** @type {HTMLElement} */ (link.closest("figure"));
      const place = /** @type {HTMLElement} */ (figure.querySelector(".interactive"));
      const module = () => import(new URL(link.dataset.module ?? "", document.baseURI).href);
      for (const event of ["pointerover", "focusin"]) {
        figure.addEventListener(event, module, { once: true });
        link.addEventListener(event, async () => (await module()).default.refresh(link, place));
      }
      // A quick tap would follow the link before it is up to date.
      link.addEventListener("click", async (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        await (await module()).default.refresh(link, place);
        location.assign(link.href);
      });
    }

    // The strip at the top of a chapter waits for a press, or for an address of a place in it.
    for (const opening of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".opening"))) {
      const place = /** @type {HTMLElement} */ (opening.querySelector("[data-models]"));
      const press = /** @type {HTMLButtonElement} */ (opening.querySelector("button"));
      press.addEventListener("click", async () => {
        press.remove();
        place.className = "interactive";
        place.dataset.space = "intro-0"; // the same figure is on the landing page
        await load(place);
        /** @type {HTMLElement | null} */ (place.querySelector("[role=application]:not(canvas)"))?.focus({ preventScroll: true });
      });
      if (location.hash.startsWith(`#${opening.id}:`)) press.click();
    }
  }

  // Where something above the target of a link still grows, the target is brought back, until the reader moves on.
  /** @type {Element | null} */
  let target = null;
  // "#figure:place" names a place inside a figure, which finds it by itself.
  const aim = () => (target = document.getElementById(location.hash.slice(1).split(":")[0]));
  const release = () => (target = null);
  for (const event of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(event, release, { capture: true, passive: true });
  }
  addEventListener("hashchange", aim);
  new ResizeObserver(() => target?.scrollIntoView({ behavior: "instant" })).observe(document.body);
  aim();
}
