// A picture opens large when it is clicked, with another one of the same photograph behind a slider.
{
  const photos = [...document.querySelectorAll('.photo')].filter(photo => photo.querySelector('.open'));
  const make = (name, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  };
  const picturesOf = photo => [...photo.querySelectorAll('.open img')].map(image => ({
    caption: image.closest('figure').querySelector('figcaption').textContent,
    image,
  }));
  let viewer = null, shown = 0;

  const build = () => {
    const title = make('strong', {id: 'viewer-title'});
    const close = make('button', {type: 'button', textContent: 'Close', onclick: () => dialog.close()});
    const left = make('select', {ariaLabel: 'picture on the left'});
    const right = make('select', {ariaLabel: 'picture on the right'});
    const under = make('img', {className: 'under'}), over = make('img', {className: 'over'});
    const stage = make('div', {className: 'stage'}, under, over, make('div', {className: 'cut'}));
    const slider = make('input', {type: 'range', min: 0, max: 100, step: 0.5, ariaLabel: 'where the right picture begins'});
    const before = make('button', {type: 'button', textContent: '← previous photo', onclick: () => go(shown - 1)});
    const after = make('button', {type: 'button', textContent: 'next photo →', onclick: () => go(shown + 1)});
    const fitted = make('div', {className: 'fitted'}, make('div', {className: 'choice'}, left, right), stage, slider,
      make('div', {className: 'steps'}, before, after));
    const dialog = make('dialog', {className: 'viewer'}, make('div', {className: 'top'}, title, close), fitted);
    dialog.setAttribute('aria-labelledby', 'viewer-title');
    const cut = () => stage.style.setProperty('--cut', `${slider.value}%`);
    slider.oninput = cut;
    const drag = event => {
      if (event.pointerType === 'touch' && event.type === 'pointermove' && !event.buttons) return;
      const box = stage.getBoundingClientRect();
      slider.value = 100 * (event.clientX - box.left) / box.width;
      cut();
    };
    stage.onpointerdown = stage.onpointermove = drag;
    left.onchange = right.onchange = () => fill();
    dialog.onclick = event => { if (event.target === dialog) dialog.close(); };
    document.body.append(dialog);
    viewer = {dialog, title, left, right, under, over, stage, fitted, slider, before, after, cut};
  };

  const fill = () => {
    const pictures = picturesOf(photos[shown]);
    for (const [select, image] of [[viewer.left, viewer.under], [viewer.right, viewer.over]]) {
      const {image: source, caption} = pictures[Math.min(select.value, pictures.length - 1)];
      image.src = source.src;
      image.alt = caption;
      image.classList.toggle('small-picture', source.naturalWidth < 200);
    }
    const source = pictures[0].image;
    viewer.fitted.style.setProperty('--aspect', source.naturalWidth / source.naturalHeight);
  };

  // Opens a photograph with one picture on the left, and on the right what it is best held against: the truth.
  const open = (photo, caption) => {
    if (!viewer) build();
    shown = photos.indexOf(photo);
    const pictures = picturesOf(photo);
    const place = wanted => pictures.findIndex(picture => picture.caption === wanted);
    const left = Math.max(0, place(caption));
    const truth = place('truth'), output = place('output');
    const others = [truth, output, 0, 1].filter(number => number >= 0 && number !== left && number < pictures.length);
    for (const select of [viewer.left, viewer.right]) {
      select.replaceChildren(...pictures.map((picture, number) => make('option', {value: number, textContent: picture.caption})));
    }
    viewer.left.value = left;
    viewer.right.value = others.length ? others[0] : left;
    viewer.title.textContent = photo.querySelector('.picture-title strong').textContent;
    viewer.before.disabled = shown === 0;
    viewer.after.disabled = shown === photos.length - 1;
    viewer.slider.value = 50;
    viewer.cut();
    fill();
    if (!viewer.dialog.open) viewer.dialog.showModal();
    viewer.slider.focus();
  };
  const go = number => {
    if (number >= 0 && number < photos.length) open(photos[number], viewer.left.selectedOptions[0].textContent);
  };
  for (const photo of photos) {
    for (const button of photo.querySelectorAll('.open')) {
      button.addEventListener('click', () => open(photo, button.closest('figure').querySelector('figcaption').textContent));
    }
  }
}
