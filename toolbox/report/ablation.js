// What the pointer or the keyboard is on is brought out in all drawings: its line, its name, its point.
{
  const named = [...document.querySelectorAll('[data-name]')];
  const bringOut = name => {
    document.body.classList.toggle('choosing', name !== null);
    for (const part of named) part.classList.toggle('chosen', part.dataset.name === name);
  };
  for (const part of named) {
    for (const event of ['pointerenter', 'focus']) part.addEventListener(event, () => bringOut(part.dataset.name));
    for (const event of ['pointerleave', 'blur']) part.addEventListener(event, () => bringOut(null));
  }
}
