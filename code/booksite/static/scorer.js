// How the search orders what it finds: a chapter about it first, then its entry in the glossary, then other places.
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
  score: ([, title, anchor, , score]) => (/^\d+ · /.test(title) && !anchor && score >= Scorer.title ? score + 100 : score),
};
