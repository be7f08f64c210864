'use strict';
// The report of a cleaning run: a map, galleries that fill as they are opened, and the edited csv.
{
  const data = JSON.parse(document.getElementById('data').textContent);
  const count = data.image.length;
  const keep = Uint8Array.from(data.keep);
  const PAGE = 60;

  const reason = (i) => (keep[i] === data.keep[i] ? data.reasons[data.reason[i]] : keep[i] ? 'kept by hand' : 'dropped by hand');
  const source = (i) => `data:image/webp;base64,${data.thumbnail[i]}`;
  // Red is for what is dropped.
  const colorOf = (label) => (label < 0 ? '#9aa5b1' : `hsl(${30 + ((180 + label * 137.508) % 300)} 62% 46%)`);

  // One element of a kind, with properties and children.
  const make = (name, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  };

  const setKeep = (i, value) => {
    keep[i] = value;
    for (const tile of document.querySelectorAll(`.tile[data-image="${i}"]`)) show(tile, i);
    draw();
    updateBar();
  };

  const show = (tile, i) => {
    tile.classList.toggle('dropped', !keep[i]);
    tile.querySelector('input').checked = Boolean(keep[i]);
    tile.querySelector('.why').textContent = [data.score[i] === null ? '' : data.score[i].toFixed(3), reason(i)].filter(Boolean).join(' · ');
  };

  const makeTile = (i) => {
    const box = make('input', {type: 'checkbox', onchange: () => setKeep(i, Number(box.checked))});
    const tile = make('label', {className: 'tile', title: data.image[i]},
      make('img', {src: source(i), alt: data.image[i], loading: 'lazy'}),
      make('span', {className: 'name'}, make('bdi', {textContent: data.image[i]})),
      box, 'keep', make('span', {className: 'why'}));
    tile.dataset.image = i;
    show(tile, i);
    return tile;
  };

  // Shows the first of many items in a place, and a button for more.
  const fillPages = (place, items, makeItem, size = PAGE) => {
    let shown = 0;
    const more = make('button', {className: 'more', type: 'button'});
    const next = () => {
      place.append(...items.slice(shown, shown + size).map(makeItem));
      shown = Math.min(items.length, shown + size);
      more.textContent = `show more of ${(items.length - shown).toLocaleString('en')}`;
      more.hidden = shown === items.length;
    };
    more.onclick = next;
    place.after(more);
    next();
  };

  const all = Array.from({length: count}, (_, i) => i);
  const byScore = (a, b) => (data.score[b] ?? -1) - (data.score[a] ?? -1) || a - b;
  const pictured = all.filter((i) => data.thumbnail[i]);
  const chosen = {
    outliers: () => pictured.filter((i) => data.outlier[i]).sort(byScore),
    files: () => pictured.filter((i) => data.file[i]),
    cluster: (label) => pictured.filter((i) => data.label[i] === label && !data.duplicate[i]).sort(byScore),
  };

  for (const place of document.querySelectorAll('.tiles[data-show]')) {
    const [kind, label] = place.dataset.show.split(' ');
    const fill = () => fillPages(place, chosen[kind](Number(label)), makeTile);
    const folded = place.closest('details');
    if (folded) folded.addEventListener('toggle', fill, {once: true});
    else fill();
  }

  const groups = document.getElementById('groups');
  if (groups) {
    const members = new Map();
    for (const i of pictured) if (data.group[i] !== null) members.set(data.group[i], [...(members.get(data.group[i]) ?? []), i]);
    const makeGroup = (those) => make('div', {className: 'group'}, make('div', {className: 'tiles'}, ...those.map(makeTile)));
    fillPages(groups, [...members.values()], makeGroup, 20);
  }

  // The map: points in the unit square, shown through a scale and an offset that the wheel and dragging change.
  const canvas = document.querySelector('#map canvas');
  const hover = document.getElementById('hover');
  const points = all.filter((i) => data.x[i] !== null);
  const view = {scale: 1, x: 0, y: 0};
  const MARGIN = 16;
  const project = (i) => [
    MARGIN + (data.x[i] * view.scale + view.x) * (canvas.clientWidth - 2 * MARGIN),
    MARGIN + (data.y[i] * view.scale + view.y) * (canvas.clientHeight - 2 * MARGIN),
  ];
  let drawing = false;
  const draw = () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = canvas.clientWidth * ratio;
      canvas.height = canvas.clientHeight * ratio;
      const pen = canvas.getContext('2d');
      pen.scale(ratio, ratio);
      const radius = points.length > 5000 ? 1.8 : 3.2;
      for (const dropped of [false, true]) {
        for (const i of points) {
          if (Boolean(keep[i]) === dropped) continue;
          const [x, y] = project(i);
          pen.fillStyle = colorOf(data.label[i]);
          pen.beginPath();
          pen.arc(x, y, radius, 0, 7);
          pen.fill();
          if (dropped) {
            pen.strokeStyle = '#b42318';
            pen.beginPath();
            pen.arc(x, y, radius + 2.5, 0, 7);
            pen.stroke();
          }
        }
      }
    });
  };

  const nearest = (event) => {
    let best = null, closest = 14 * 14;
    for (const i of points) {
      const [x, y] = project(i);
      const distance = (x - event.offsetX) ** 2 + (y - event.offsetY) ** 2;
      if (distance < closest) [best, closest] = [i, distance];
    }
    return best;
  };

  let grabbed = null;
  canvas.addEventListener('pointerdown', (event) => { grabbed = {x: event.offsetX, y: event.offsetY, moved: false}; });
  canvas.addEventListener('pointermove', (event) => {
    if (grabbed && event.buttons) {
      const [dx, dy] = [event.offsetX - grabbed.x, event.offsetY - grabbed.y];
      grabbed = {x: event.offsetX, y: event.offsetY, moved: grabbed.moved || Math.abs(dx) + Math.abs(dy) > 2};
      view.x += dx / (canvas.clientWidth - 2 * MARGIN);
      view.y += dy / (canvas.clientHeight - 2 * MARGIN);
      draw();
      return;
    }
    const i = nearest(event);
    hover.style.display = i === null ? 'none' : 'block';
    if (i === null) return;
    hover.replaceChildren(...(data.thumbnail[i] ? [make('img', {src: source(i), alt: ''})] : []), make('strong', {textContent: data.image[i]}),
      make('div', {textContent: [data.label[i] < 0 ? 'noise' : `cluster ${data.label[i]}`, `score ${data.score[i].toFixed(3)}`, reason(i)].filter(Boolean).join(' · ')}));
    const right = event.offsetX > canvas.clientWidth / 2, low = event.offsetY > canvas.clientHeight / 2;
    hover.style.left = right ? 'auto' : `${event.offsetX + 16}px`;
    hover.style.right = right ? `${canvas.clientWidth - event.offsetX + 16}px` : 'auto';
    hover.style.top = low ? 'auto' : `${event.offsetY + 16}px`;
    hover.style.bottom = low ? `${canvas.clientHeight - event.offsetY + 16}px` : 'auto';
  });
  canvas.addEventListener('pointerup', (event) => {
    const i = grabbed && !grabbed.moved ? nearest(event) : null;
    grabbed = null;
    if (i !== null) setKeep(i, 1 - keep[i]);
  });
  canvas.addEventListener('pointerleave', () => { hover.style.display = 'none'; });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const factor = event.deltaY < 0 ? 1.25 : 0.8;
    const at = [(event.offsetX - MARGIN) / (canvas.clientWidth - 2 * MARGIN), (event.offsetY - MARGIN) / (canvas.clientHeight - 2 * MARGIN)];
    view.x = at[0] - (at[0] - view.x) * factor;
    view.y = at[1] - (at[1] - view.y) * factor;
    view.scale *= factor;
    draw();
  }, {passive: false});
  window.addEventListener('resize', draw);

  // The csv as the run wrote it, with what was changed by hand.
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = () => ['image,label,score,keep,reason,group', ...all.map((i) => [
    quoted(data.image[i]), data.label[i] ?? '', data.score[i] === null ? '' : data.score[i].toFixed(4), keep[i], quoted(reason(i)), data.group[i] ?? '',
  ].join(','))].join('\n') + '\n';

  document.getElementById('download').onclick = () => {
    const link = make('a', {href: URL.createObjectURL(new Blob([csv()], {type: 'text/csv'})), download: 'clean.csv'});
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const updateBar = () => {
    const kept = keep.reduce((sum, value) => sum + value, 0);
    const changed = all.filter((i) => keep[i] !== data.keep[i]).length;
    document.getElementById('state').textContent =
      `${kept.toLocaleString('en')} of ${count.toLocaleString('en')} are kept` + (changed ? `, ${changed.toLocaleString('en')} changed by hand` : '');
  };
  updateBar();
  draw();
}
