'use strict';
// Sorts a table by the column whose head is clicked; a second click turns the order around. What is missing stays last.
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const value = (row, column) => {
    const cell = row.cells[column];
    return 'value' in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
  };
  const compare = (a, b) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', {numeric: true});
  heads.forEach((head, column) => {
    head.querySelector('button').addEventListener('click', () => {
      const ascending = head.getAttribute('aria-sort') !== 'ascending';
      const sign = ascending ? 1 : -1;
      const rows = [...body.rows].map(row => [value(row, column), row]);
      rows.sort(([a], [b]) => Number.isNaN(a) - Number.isNaN(b) || sign * compare(a, b) || 0);
      body.append(...rows.map(([, row]) => row));
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    });
  });
}
// Marks in the contents which section is being read: the last one that begins above a third of the window.
{
  const links = [...document.querySelectorAll('.contents a')];
  const parts = links.map(link => document.getElementById(link.hash.slice(1)));
  const mark = () => {
    const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const above = parts.filter(part => part.getBoundingClientRect().top < innerHeight / 3);
    const current = end ? parts.length - 1 : Math.max(0, above.length - 1);
    links.forEach((link, number) => link.toggleAttribute('aria-current', number === current));
  };
  addEventListener('scroll', mark, {passive: true});
  addEventListener('resize', mark);
  if (links.length) mark();
}
