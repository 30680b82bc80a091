/** On a phone, the contents of a page lie over it in a drawer. A press on one of them closes it, so that its place is seen. */
document.querySelector(".bd-sidebar-secondary")?.addEventListener("click", ({ target }) => {
  const drawer = /** @type {HTMLInputElement | null} */ (document.getElementById("pst-secondary-sidebar-checkbox"));
  if (drawer && target instanceof Element && target.closest("a")) drawer.checked = false;
});
