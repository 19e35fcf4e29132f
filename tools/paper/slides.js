// Arrows, Space, Page Up and Down, Home and End move; so does a click in the right or left half. The address keeps the place.
const slides = [...document.querySelectorAll(".slide")];
let now = Math.max(0, slides.findIndex((slide) => "#" + slide.id === location.hash));
document.querySelector("main").classList.add("deck");
function show(next) {
  now = Math.min(Math.max(next, 0), slides.length - 1);
  slides.forEach((slide, k) => slide.classList.toggle("now", k === now));
  history.replaceState(null, "", "#" + slides[now].id);
}
const moves = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -Infinity, End: Infinity };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in moves)) return;
  event.preventDefault();
  show(now + moves[event.key] * (event.key === " " && event.shiftKey ? -1 : 1));
});
addEventListener("click", (event) => {
  if (!event.target.closest("a")) show(now + (event.clientX > innerWidth / 2 ? 1 : -1));
});
addEventListener("hashchange", () => {
  const found = slides.findIndex((slide) => "#" + slide.id === location.hash);
  if (found >= 0) show(found);
});
show(now);
