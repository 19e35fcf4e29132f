/* Pasted messages in the site's search. Sphinx copies this file into _static/language_data.js, which the search page
   alone loads (`html_search_scorer` in _config.yml).

   Sphinx finds a page only if it holds *every* word of the query, and a section only if its heading contains the whole
   query, letter by letter. A message pasted from a terminal meets neither: it has other sizes, an exception's name in
   front, a path or a hint behind. So a query is compared with every heading of the book word by word, without numbers
   and sizes, and the headings that it quotes come first; all that Sphinx finds follows as it is.

   A heading is quoted if the query holds most of its words, or consists of its words only. */
if (typeof Search !== "undefined" && Search._performSearch) {
  const FEWEST = 3;      // words: a shorter query, or heading, is no quotation
  const MOST = 0.75;     // of a heading's words
  const SHOWN = 3;       // headings, the closest first

  const wordsOf = (text) => new Set(
    text.toLowerCase().split(/[^\p{Letter}\p{Number}_]+/u)
      .filter((word) => word && !/^\d+(x\d+)*$/.test(word) && !stopwords.includes(word)));

  /* How closely a query quotes a heading: 0 for not at all. Long quotations come before short ones, whole ones before
     parts, and the letters themselves decide between headings with the same words. */
  const closeness = (query, heading) => {
    const asked = wordsOf(query), words = wordsOf(heading);
    if (asked.size < FEWEST || words.size < FEWEST) return 0;
    const common = [...words].filter((word) => asked.has(word)).length;
    const covered = common / words.size;
    if (covered < (words.size > FEWEST ? MOST : 1) && common < asked.size) return 0;
    const letters = query.toLowerCase().includes(heading.toLowerCase()) ? 0.5 : 0;
    return common * covered + letters;
  };

  const quoted = (query) => {
    const { alltitles, docnames, filenames, titles } = Search._index;
    const found = [];
    for (const [heading, places] of Object.entries(alltitles)) {
      const score = closeness(query, heading);
      if (score === 0) continue;
      for (const [file, id] of places) {
        const title = titles[file] === heading ? heading : `${titles[file]} > ${heading}`;
        found.push([docnames[file], title, id === null ? "" : `#${id}`, null, score, filenames[file]]);
      }
    }
    return found.sort((a, b) => b[4] - a[4]).slice(0, SHOWN);
  };

  const search = Search.performWithoutQuotations = Search._performSearch;
  Search._performSearch = (query, ...terms) => {
    const first = quoted(query);
    const place = (result) => result[0] + result[2];
    const rest = search(query, ...terms).filter((result) => !first.some((f) => place(f) === place(result)));
    return [...rest, ...first.reverse()];      // the page shows the last one first
  };
}
