// How the search orders what it finds: the chapter that is named like it, then its entry in the glossary, then others.
var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  /** @param {[string, string, string, string, number, string]} result */
  score: ([, title, anchor, , score]) => {
    const { splitQuery } = /** @type {any} */ (window); // of the language, in the same file of the site
    const plain = (/** @type {string} */ text) => splitQuery(text.toLowerCase()).join(" ");
    const asked = plain(new URLSearchParams(location.search).get("q") ?? "");
    return /^\d+ · /.test(title) && !anchor && plain(title).includes(asked) ? score + 200 : score;
  },
};
