/** The script of a page: sorts and searches its table of devices. Without it the page shows the same, less those two. Layer: app. */

/** Runs in the browser, before which nothing of it is there. */
export const PAGE_SCRIPT = `
'use strict';
(() => {
  const table = document.getElementById('attention');
  if (table === null) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  const said = document.getElementById('found');
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort ?? (cell.querySelector('bdi') ?? cell).textContent;
  };
  const headings = [...table.tHead.rows[0].cells];
  let found = '';
  let sorted = '';
  const say = () => { said.textContent = [found, sorted].filter((part) => part !== '').join('. '); };
  table.classList.add('sortable');

  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      const isDescending = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of headings) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      const sign = isDescending ? -1 : 1;
      const keyed = rows.map((row, order) => ({ row, order, value: valueOf(row, column) }));
      keyed.sort((a, b) => sign * collator.compare(a.value, b.value) || a.order - b.order);
      body.append(...keyed.map(({ row }) => row));
      sorted = 'Sorted by ' + button.textContent + (isDescending ? ', descending' : ', ascending');
      say();
    });
  });

  const search = document.getElementById('search');
  search.hidden = false;
  search.querySelector('input').addEventListener('input', (event) => {
    const words = event.target.value.toLowerCase().split(' ').filter((word) => word !== '');
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      if (!row.hidden) shown += 1;
    });
    found = words.length === 0 ? '' : shown.toLocaleString('en-US') + ' of ' + rows.length.toLocaleString('en-US') + ' shown';
    say();
  });
})();
`;
