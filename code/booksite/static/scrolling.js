/**
 * Lets the keyboard scroll what is wider than its place.
 *
 * The theme does so when the window's size or the page's content changes, but not when letters grow or a box is opened;
 * all of this changes the height of the article.
 */
{
  const article = document.querySelector("article");
  const look = () => {
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("pre, .cell_output > .output"))) {
      each.tabIndex = each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight ? 0 : -1;
    }
  };
  if (article) new ResizeObserver(look).observe(article);
}
