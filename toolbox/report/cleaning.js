// The report of a cleaning run: a map, galleries that fill as they are opened, and the edited csv.
{
  const data = JSON.parse(document.getElementById('data').textContent);
  const count = data.image.length;
  const keep = Uint8Array.from(data.keep);
  const all = Array.from({length: count}, (_, i) => i);
  const PAGE = 60;

  // What was changed by hand survives a reload: all pages of files share one store, so the key names this very result.
  const KEY = `huefill-cleaning-${data.digest}`;
  let stores = true;
  const remember = () => {
    const changed = Object.fromEntries(all.filter((i) => keep[i] !== data.keep[i]).map((i) => [i, keep[i]]));
    try {
      if (Object.keys(changed).length) localStorage.setItem(KEY, JSON.stringify(changed));
      else localStorage.removeItem(KEY);
    } catch {  // forbidden in this browser, or full
      stores = false;
    }
  };
  try {
    for (const [i, value] of Object.entries(JSON.parse(localStorage.getItem(KEY)) ?? {})) if (i in keep) keep[i] = value;
  } catch {
    stores = false;
  }

  const reason = (i) => (keep[i] === data.keep[i] ? data.reasons[data.reason[i]] : keep[i] ? 'kept by hand' : 'dropped by hand');
  const source = (i) => `data:image/webp;base64,${data.thumbnail[i]}`;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  // Red is for what is dropped.
  const colorOf = (label) => (label < 0 ? (dark.matches ? '#77848f' : '#8f9ba7') : `hsl(${30 + ((180 + label * 137.508) % 300)} ${dark.matches ? '65% 64%' : '62% 42%'})`);
  const nameOf = (label) => (label < 0 ? 'noise' : `cluster ${label}`);

  // One element of a kind, with properties and children.
  const make = (name, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  };

  const setKeep = (i, value) => {
    keep[i] = value;
    for (const tile of document.querySelectorAll(`.tile[data-image="${i}"]`)) show(tile, i);
    changed();
  };
  const changed = () => {
    remember();
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

  // The map: points in the unit square, shown through a scale and an offset that buttons, keys and dragging change.
  const canvas = document.querySelector('#map canvas');
  const hover = document.getElementById('hover');
  const said = document.getElementById('said');
  const points = all.filter((i) => data.x[i] !== null);
  const view = {scale: 1, x: 0, y: 0};
  const MARGIN = 16;
  const inner = () => [canvas.clientWidth - 2 * MARGIN, canvas.clientHeight - 2 * MARGIN];
  const project = (i) => {
    const [width, height] = inner();
    return [MARGIN + (data.x[i] * view.scale + view.x) * width, MARGIN + (data.y[i] * view.scale + view.y) * height];
  };
  let drawing = false, chosenLabel = null, selected = null;
  const isFaint = (i) => chosenLabel !== null && (chosenLabel === 'dropped' ? keep[i] : data.label[i] !== chosenLabel);
  const draw = () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = canvas.clientWidth * ratio;
      canvas.height = canvas.clientHeight * ratio;
      const style = getComputedStyle(document.documentElement);
      const [bad, ink] = ['--bad', '--ink'].map((name) => style.getPropertyValue(name));
      const pen = canvas.getContext('2d');
      pen.scale(ratio, ratio);
      const radius = points.length > 5000 ? 1.8 : 3.4;
      const ring = (i, size, color) => {
        const [x, y] = project(i);
        pen.strokeStyle = color;
        pen.beginPath();
        pen.arc(x, y, size, 0, 7);
        pen.stroke();
      };
      for (const dropped of [false, true]) {
        for (const i of points) {
          if (Boolean(keep[i]) === dropped) continue;
          const [x, y] = project(i);
          pen.globalAlpha = isFaint(i) ? 0.12 : 1;
          pen.fillStyle = colorOf(data.label[i]);
          pen.beginPath();
          pen.arc(x, y, radius, 0, 7);
          pen.fill();
          pen.lineWidth = 1.4;
          if (dropped) ring(i, radius + 2.5, bad);
        }
      }
      pen.globalAlpha = 1;
      pen.lineWidth = 2;
      if (selected !== null) ring(selected, radius + 5.5, ink);
    });
  };

  const describe = (i) => {
    const verdict = keep[i] !== data.keep[i] ? [reason(i)] : [keep[i] ? 'kept' : 'dropped', reason(i)];
    return [nameOf(data.label[i]), `score ${data.score[i].toFixed(3)}`, ...verdict].filter(Boolean).join(' · ');
  };
  // Shows what a point is, beside it and in a line that is read aloud; null hides it.
  const select = (i) => {
    selected = i;
    hover.style.display = i === null ? 'none' : 'block';
    said.textContent = i === null ? '' : `${data.image[i]}: ${describe(i)}`;
    draw();
    if (i === null) return;
    hover.replaceChildren(...(data.thumbnail[i] ? [make('img', {src: source(i), alt: ''})] : []),
      make('strong', {textContent: data.image[i]}), make('div', {textContent: describe(i)}));
    const [x, y] = project(i);
    const right = x > canvas.clientWidth / 2, low = y > canvas.clientHeight / 2;
    hover.style.left = right ? 'auto' : `${Math.max(0, x) + 16}px`;
    hover.style.right = right ? `${Math.max(0, canvas.clientWidth - x) + 16}px` : 'auto';
    hover.style.top = low ? 'auto' : `${Math.max(0, y) + 16}px`;
    hover.style.bottom = low ? `${Math.max(0, canvas.clientHeight - y) + 16}px` : 'auto';
  };
  const toggle = (i) => {
    setKeep(i, 1 - keep[i]);
    select(i);
  };
  const zoom = (factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
    const [width, height] = inner();
    const at = [(x - MARGIN) / width, (y - MARGIN) / height];
    const scale = Math.min(200, Math.max(1, view.scale * factor));
    view.x = scale === 1 ? 0 : at[0] - (at[0] - view.x) * scale / view.scale;
    view.y = scale === 1 ? 0 : at[1] - (at[1] - view.y) * scale / view.scale;
    view.scale = scale;
    canvas.style.touchAction = scale === 1 ? 'pan-y' : 'none';  // the whole map lets a finger scroll the page
    select(selected);
  };

  const nearest = (x, y, within = 14) => {
    let best = null, closest = within * within;
    for (const i of points) {
      const [ownX, ownY] = project(i);
      const distance = (ownX - x) ** 2 + (ownY - y) ** 2;
      if (distance < closest) [best, closest] = [i, distance];
    }
    return best;
  };
  // The next point from the selected one in a direction, rather straight ahead than near.
  const beyond = (dx, dy) => {
    const [x, y] = project(selected);
    let best = selected, least = Infinity;
    for (const i of points) {
      const [ownX, ownY] = project(i);
      const ahead = (ownX - x) * dx + (ownY - y) * dy, aside = Math.abs((ownX - x) * dy) + Math.abs((ownY - y) * dx);
      if (ahead > 0.5 && ahead + 2 * aside < least) [best, least] = [i, ahead + 2 * aside];
    }
    return best;
  };
  // What the keys reached is brought into view.
  const follow = (i) => {
    const [x, y] = project(i), [width, height] = inner();
    if (x < 0 || x > canvas.clientWidth) view.x += 0.5 - (x - MARGIN) / width;
    if (y < 0 || y > canvas.clientHeight) view.y += 0.5 - (y - MARGIN) / height;
    select(i);
  };

  let grabbed = null;
  canvas.addEventListener('pointerdown', (event) => {
    grabbed = {x: event.offsetX, y: event.offsetY, moved: false, before: selected};
  });
  canvas.addEventListener('pointermove', (event) => {
    if (grabbed && event.buttons) {
      const [dx, dy] = [event.offsetX - grabbed.x, event.offsetY - grabbed.y];
      grabbed = {...grabbed, x: event.offsetX, y: event.offsetY, moved: grabbed.moved || Math.abs(dx) + Math.abs(dy) > 2};
      const [width, height] = inner();
      view.x += dx / width;
      view.y += dy / height;
      draw();
      return;
    }
    if (event.pointerType !== 'touch') select(nearest(event.offsetX, event.offsetY));
  });
  canvas.addEventListener('pointerup', (event) => {
    const touched = event.pointerType === 'touch';
    const i = grabbed && !grabbed.moved ? nearest(event.offsetX, event.offsetY, touched ? 24 : 14) : null;
    const before = grabbed?.before;
    grabbed = null;
    // A finger cannot hover: its first tap shows, its second one keeps or drops.
    if (i !== null && (!touched || i === before)) toggle(i);
    else if (touched) select(i);
  });
  canvas.addEventListener('pointerleave', (event) => { if (event.pointerType !== 'touch') select(null); });
  canvas.addEventListener('blur', () => select(null));
  // The wheel scrolls the page until the map was clicked, or with Ctrl held.
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
  }, {passive: false});
  const DIRECTIONS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !points.length) return;
    if (event.key in DIRECTIONS) {
      follow(selected === null ? nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, Infinity) : beyond(...DIRECTIONS[event.key]));
    } else if ((event.key === 'Enter' || event.key === ' ') && selected !== null) {
      toggle(selected);
    } else if (event.key === '+' || event.key === '-') {
      zoom(event.key === '+' ? 1.25 : 0.8, ...(selected === null ? [] : project(selected)));
    } else if (event.key === '0') {
      zoom(0);
    } else if (event.key === 'Escape') {
      select(null);
    } else {
      return;
    }
    event.preventDefault();
  });
  document.getElementById('zoom-in').onclick = () => zoom(1.5);
  document.getElementById('zoom-out').onclick = () => zoom(1 / 1.5);
  document.getElementById('zoom-all').onclick = () => zoom(0);
  window.addEventListener('resize', draw);

  // The legend: each entry brings out its points when it is pressed.
  const legend = document.getElementById('legend');
  const sizes = new Map();
  for (const i of points) sizes.set(data.label[i], (sizes.get(data.label[i]) ?? 0) + 1);
  const labels = [...sizes.keys()].sort((a, b) => (a < 0) - (b < 0) || sizes.get(b) - sizes.get(a) || a - b);
  const entries = [...labels, 'dropped'].map((label) => {
    const swatch = make('span', {className: label === 'dropped' ? 'swatch ring' : 'swatch'});
    const amount = make('span', {className: 'amount'});
    const button = make('button', {type: 'button'}, swatch, label === 'dropped' ? 'dropped' : nameOf(label), amount);
    button.setAttribute('aria-pressed', 'false');
    button.onclick = () => {
      chosenLabel = chosenLabel === label ? null : label;
      for (const entry of entries) entry.button.setAttribute('aria-pressed', String(chosenLabel === entry.label));
      draw();
    };
    legend.append(make('li', {}, button));
    return {label, button, swatch, amount};
  });
  const showLegend = () => {
    for (const {label, swatch, amount} of entries) {
      if (label !== 'dropped') swatch.style.background = colorOf(label);
      const number = label === 'dropped' ? points.filter((i) => !keep[i]).length : sizes.get(label);
      amount.textContent = number.toLocaleString('en');
    }
  };
  dark.addEventListener('change', () => { showLegend(); draw(); });

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
  const undo = document.getElementById('undo');
  undo.onclick = () => {
    keep.set(data.keep);
    for (const tile of document.querySelectorAll('.tile')) show(tile, Number(tile.dataset.image));
    changed();
  };
  const updateBar = () => {
    const kept = keep.reduce((sum, value) => sum + value, 0);
    const byHand = all.filter((i) => keep[i] !== data.keep[i]).length;
    undo.hidden = !byHand;
    document.getElementById('state').textContent =
      `${kept.toLocaleString('en')} of ${count.toLocaleString('en')} are kept` + (byHand ? `, ${byHand.toLocaleString('en')} changed by hand` : '')
      + (stores ? '' : '; this browser forgets them when the page closes');
    showLegend();
  };
  updateBar();
  draw();
}
