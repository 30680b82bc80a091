/**
 * Lets the keyboard scroll what is wider than its place.
 *
 * What is wide depends on the size of the window and of the letters, on the page's content, and on boxes that are
 * opened; all of this changes the height of the article, and so does a section that comes near and is laid out.
 */
{
  const article = document.querySelector("article");
  const look = () => {
    const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("pre, .cell_output > .output")]);
    const boxes = all.filter((box) => box.checkVisibility({ contentVisibilityAuto: true }));
    // All are measured before any is changed: in turns, the browser would lay out the page for each of them.
    const wide = boxes.map((box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight);
    boxes.forEach((box, i) => (box.tabIndex = wide[i] ? 0 : -1));
  };
  if (article) new ResizeObserver(look).observe(article);
}
