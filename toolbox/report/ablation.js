'use strict';
// What the pointer is on is brought out in all drawings: its line, its name, its point.
const named = [...document.querySelectorAll('[data-name]')];
const bringOut = name => {
  document.body.classList.toggle('choosing', name !== null);
  for (const part of named) part.classList.toggle('chosen', part.dataset.name === name);
};
for (const part of named) {
  part.addEventListener('pointerenter', () => bringOut(part.dataset.name));
  part.addEventListener('pointerleave', () => bringOut(null));
}
