// The hole on the photograph: painted on a canvas, read as a PNG when something is to be done with it.
const $ = selector => element.querySelector(selector);
const canvas = $('canvas'), picture = $('img'), ring = $('.ring'), size = $('input'), undo = $('[data-undo]');
const context = canvas.getContext('2d', { willReadFrequently: true });
const COLOR = '#e23d5e', STEPS = 12;
let tool = 'brush', isChanged = false, before = [], last = null, at = null;

// `value` is JSON: the photograph and its hole as addresses of data.
const load = async value => {
  if (!value) return;
  const { photo, hole } = JSON.parse(value);
  const layer = new Image();
  picture.src = photo;
  layer.src = hole;
  await Promise.all([picture.decode(), layer.decode()]);
  [canvas.width, canvas.height] = [layer.naturalWidth, layer.naturalHeight];
  context.drawImage(layer, 0, 0);
  [isChanged, before, at] = [false, [], [canvas.width / 2, canvas.height / 2]];
  undo.disabled = true;
  canvas.dataset.ready = String(Number(canvas.dataset.ready || 0) + 1);
};
// What events send to the server; nothing where nothing was painted.
window.huefillHole = () => (isChanged ? canvas.toDataURL('image/png') : '');

const scale = () => canvas.width / canvas.getBoundingClientRect().width;
const place = event => {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * scale(), (event.clientY - box.top) * scale()];
};
const showRing = () => {
  const side = Number(size.value);
  ring.hidden = false;
  ring.style.width = ring.style.height = `${side}px`;
  ring.style.transform = `translate(${at[0] / scale() - side / 2}px, ${at[1] / scale() - side / 2}px)`;
};
const remember = () => {
  before = [...before.slice(1 - STEPS), context.getImageData(0, 0, canvas.width, canvas.height)];
  undo.disabled = false;
};
const draw = (from, to) => {
  context.globalCompositeOperation = tool === 'eraser' ? 'destination-out' : 'source-over';
  context.strokeStyle = COLOR;
  context.lineCap = context.lineJoin = 'round';
  context.lineWidth = Number(size.value) * scale();
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(to[0] + 0.01, to[1]);
  context.stroke();
  isChanged = true;
};
const take = name => {
  tool = name;
  for (const button of element.querySelectorAll('[data-tool]')) {
    button.setAttribute('aria-pressed', String(button.dataset.tool === name));
  }
};

element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.dataset.tool) take(button.dataset.tool);
  if (button === undo && before.length) {
    context.putImageData(before.pop(), 0, 0);
    undo.disabled = !before.length;
  }
});
canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId);
  remember();
  last = at = place(event);
  draw(last, last);
  showRing();
  event.preventDefault();
});
canvas.addEventListener('pointermove', event => {
  at = place(event);
  showRing();
  if (last) {
    draw(last, at);
    last = at;
  }
});
for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, () => { last = null; });
canvas.addEventListener('pointerleave', () => { ring.hidden = true; });
canvas.addEventListener('blur', () => { ring.hidden = true; });
canvas.addEventListener('focus', () => { if (at) showRing(); });
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener('keydown', event => {
  const move = MOVES[event.key];
  if (move) {
    const step = (event.shiftKey ? 1 : 8) * scale();
    at = [
      Math.min(canvas.width, Math.max(0, at[0] + move[0] * step)),
      Math.min(canvas.height, Math.max(0, at[1] + move[1] * step)),
    ];
  } else if (event.key === ' ') {
    remember();
    draw(at, at);
  } else if (event.key === 'e' || event.key === 'b') {
    take(event.key === 'e' ? 'eraser' : 'brush');
  } else {
    return;
  }
  showRing();
  event.preventDefault();
});
watch('value', () => load(props.value));
load(props.value);
