// Saves a plot of the results as SVG or PNG in the colours of the theme in sight. Gradio runs this with `element`.
const standalone = (svg) => {
  const copy = svg.cloneNode(true);
  const colours = getComputedStyle(element);
  const text = new XMLSerializer().serializeToString(copy);
  return text.replace(/var\((--[a-z0-9-]+)\)/g, (_, name) => colours.getPropertyValue(name).trim() || '#64748b');
};
const save = (blob, name) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const png = (text, svg) => new Promise((done, failed) => {
  const picture = new Image();
  picture.onerror = () => failed(new Error('the picture cannot be drawn'));
  picture.onload = () => {
    const canvas = document.createElement('canvas');
    canvas.width = 2 * svg.getAttribute('width');
    canvas.height = 2 * svg.getAttribute('height');
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(done, 'image/png');
  };
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
});
element.addEventListener('click', async (event) => {
  const button = event.target.closest('button[data-save]');
  if (!button) return;
  const box = button.closest('.saves');
  const svg = box.querySelector('svg');
  const text = standalone(svg);
  const theme = document.body.classList.contains('dark') ? 'dark' : 'light';
  const kind = button.dataset.save;
  const blob = kind === 'svg' ? new Blob([text], { type: 'image/svg+xml' }) : await png(text, svg);
  save(blob, `${box.dataset.name}-${theme}.${kind}`);
});
