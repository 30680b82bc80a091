/**
 * Lets the keyboard scroll what is wider than its place.
 *
 * The theme does so when the window's size or the page's content changes, but not when letters grow or a box is opened;
 * all of this changes the height of the article.
 */
{
  const article = document.querySelector("article");
  const look = () => {
    const boxes = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("pre, .cell_output > .output")]);
    // All are measured before any is changed: in turns, the browser would lay out the page for each of them.
    const wide = boxes.map((box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight);
    boxes.forEach((box, i) => (box.tabIndex = wide[i] ? 0 : -1));
  };
  if (article) new ResizeObserver(look).observe(article);
}
