/**
 * Loads what runs cells when the reader presses a button below one, or has work on this page from an earlier visit. Until
 * then nothing of it is loaded.
 */
{
  const work = /** @type {HTMLElement | null} */ (document.querySelector(".work"));
  const module = () => import(new URL(work?.dataset.module ?? "", document.baseURI).href);

  if (work && location.protocol !== "file:") {
    document.addEventListener("click", async ({ target, clientX, clientY }) => {
      if (!(target instanceof Element)) return;
      const button = target.closest(".cell-tools [data-do], .work [data-do]");
      const code = target.closest(".exercise-cell .cell_input pre");
      // To ask for the selection makes the browser lay out the page, so clicks elsewhere come first.
      if (!button && !(code && getSelection()?.isCollapsed)) return;
      const said = (button ?? code)?.closest(".cell_input, .work")?.querySelector("[role=status]");
      if (said?.textContent === "") said.textContent = "Loading";
      try {
        const { press } = await module();
        await press(button ?? code, button ? undefined : { x: clientX, y: clientY });
      } catch (error) {
        if (said) said.textContent = "This could not be loaded: check the connection and press again.";
        throw error;
      }
    });
    try {
      const name = work.dataset.cells?.match(/([^/]+)\.json/)?.[1];
      if (Object.keys(localStorage).some((key) => key.startsWith(`convbook.code.${name}/`) || key === `convbook.passed.${name}`)) {
        module().then(({ ready }) => ready());
      }
    } catch {
      // Without storage there is none.
    }
  }
}
