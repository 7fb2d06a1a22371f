// What scrolls within itself can be reached by keyboard; captions of the navigation say their level.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll("article pre, article .table-wrapper")) {
    part.tabIndex = 0;
  }
  for (const caption of document.querySelectorAll('p.caption[role="heading"]')) {
    caption.setAttribute("aria-level", "2");
  }
});
