/* Mends what axe-core reports of the theme: fields whose label and name differ, a logo outside of every landmark,
   a list of references whose entries are not list items, code that scrolls but cannot be reached with the keyboard. */
document.addEventListener("DOMContentLoaded", () => {
  const logo = document.querySelector(".sidebar-primary-items__start > .sidebar-primary-item");
  if (logo) {
    logo.setAttribute("role", "region");
    logo.setAttribute("aria-label", "Book title");
  }
  for (const entry of document.querySelectorAll(".citation-list[role=list] > [role=doc-biblioentry]")) {
    entry.setAttribute("role", "listitem");
  }
  for (const list of document.querySelectorAll("ul > ul")) {      // the list of modules' sources
    list.previousElementSibling?.append(list);
  }
  const mend = () => {
    for (const button of document.querySelectorAll("button.search-button-field[aria-label]")) {
      button.removeAttribute("aria-label");
    }
    for (const icon of document.querySelectorAll("button.theme-switch-button svg[aria-labelledby]")) {
      icon.querySelector("title")?.remove();
      icon.removeAttribute("aria-labelledby");
      icon.setAttribute("aria-hidden", "true");
    }
  };
  mend();   // and again later: the icon script swaps icons in at a time of its own
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });

  const reachable = () => {       // the theme does so too, a third of a second after the window changes
    for (const box of document.querySelectorAll("pre, mjx-container[display], .pst-scrollable-table-container, div.math")) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      if (scrolls && box.getAttribute("tabindex") !== "0") {
        box.setAttribute("tabindex", "0");
        box.dataset.scrolls = "";
      } else if (!scrolls && "scrolls" in box.dataset) {
        box.removeAttribute("tabindex");
        delete box.dataset.scrolls;
      }
    }
  };
  reachable();
  window.addEventListener("resize", reachable);
  window.addEventListener("load", reachable);
  document.fonts.ready.then(reachable);
  new ResizeObserver(reachable).observe(document.querySelector("article.bd-article") || document.body);
  new MutationObserver(reachable).observe(document.body, { subtree: true, attributeFilter: ["tabindex"] });
});
