// The ballot in the page: choices by click or key, one key per click, time in sight. Gradio runs this with `element`
// `trigger` and `watch` whenever the ballot's component is put into the page; the document's listeners are added once.
const DIGITS = { '0': 'tie', '9': 'bad' };
const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const remembered = (key) => { try { return localStorage.getItem(key); } catch (_) { return null; } };
const sheet = () => element.querySelector('.sheet');
const one = (selector) => element.querySelector(selector);
const visible = () => element.isConnected && element.offsetParent !== null;
const rate = { seconds: 0, busy: 0, key: null, sent: '', open: new Set(), moved: false, pointed: false };

// ---------------------------------------------------------------- what the rater said
const picked = (name) => one(`input[name="${name}"]:checked`)?.value;
const scores = () => {
  const given = {};
  element.querySelectorAll('.scores input:checked').forEach((box) => {
    const [, letter, ...criterion] = box.name.split('-');
    (given[letter] ||= {})[criterion.join('-')] = Number(box.value);
  });
  return given;
};
const extras = () => ({
  scores: scores(),
  confidence: picked('confidence') ? Number(picked('confidence')) : null,
  guess: picked('guess') || '',
  flags: ['told', 'flagged'].filter((name) => one(`input[name=${name}]`)?.checked),
  note: one('textarea[name=note]')?.value || '',
});

// ---------------------------------------------------------------- sending
// The same thing said again about the same ballot (a double click, a retry) carries the same key and counts once.
const send = (act, more = {}) => {
  if (!sheet() || (rate.busy && Date.now() - rate.busy < 8000)) return;
  const said = { act, place: Number(sheet().dataset.place), ...more };
  const words = JSON.stringify(said);
  if (words !== rate.sent || !rate.key) { rate.sent = words; rate.key = random(); }
  rate.busy = Date.now();
  sheet().setAttribute('aria-busy', 'true');
  trigger('select', { ...said, key: rate.key, seconds: Math.round(rate.seconds * 10) / 10 });
};
const act = (button) => {
  const { choice, act: name, to } = button.dataset;
  if (choice) send('vote', { choice, ...extras() });
  else if (name === 'skip') send('skip', { flagged: !!one('input[name=flagged]')?.checked, note: extras().note });
  else if (name === 'open') send('open', { to: Number(to) });
  else if (name === 'clear') element.querySelectorAll('.scores input:checked').forEach((box) => { box.checked = false; });
  else send(name);
};

// ---------------------------------------------------------------- a new ballot
// Gradio changes the old nodes into the new ones: without the reset, a score or note would stay for the next item.
const fresh = () => {
  const now = sheet();
  if (!now) return;
  Object.assign(rate, { seconds: 0, key: null, sent: '', busy: 0 });
  now.reset();
  element.querySelectorAll('details[data-keep]').forEach((box) => { box.open = rate.open.has(box.dataset.keep); });
  const keys = one('input[name=keys]');
  if (keys) keys.checked = remembered('ragft-vote-keys') !== 'off';
  const heading = one('.rq');
  if (rate.moved && visible()) {
    heading?.focus({ preventScroll: true });
    const top = element.getBoundingClientRect().top;
    if (top < 0) element.scrollIntoView({ block: 'start' });
  }
  rate.moved = true;
};
watch('value', fresh);
fresh();
element.addEventListener('submit', (event) => event.preventDefault());
const clock = setInterval(() => {
  if (!element.isConnected) clearInterval(clock);
  else if (!document.hidden && visible()) rate.seconds += 0.25;
}, 250);

element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-choice], button[data-act]');
  if (button) act(button);
});
// A score chosen with the mouse does not hold the focus, so that digits vote again; one chosen by key does.
element.addEventListener('pointerdown', (event) => { rate.pointed = !!event.target.closest('.scores'); });
element.addEventListener('keydown', () => { rate.pointed = false; });
element.addEventListener('change', (event) => {
  if (rate.pointed && event.target.matches('.scores input')) event.target.blur();
  if (event.target.name !== 'keys') return;
  try { localStorage.setItem('ragft-vote-keys', event.target.checked ? 'on' : 'off'); } catch (_) { /* a private window */ }
});
element.addEventListener('toggle', (event) => {
  const keep = event.target.dataset?.keep;
  if (keep) rate.open[event.target.open ? 'add' : 'delete'](keep);
}, true);

// ---------------------------------------------------------------- keys: dead while typing, and when switched off
const onKey = (event) => {
  if (!element.isConnected) { document.removeEventListener('keydown', onKey); return; }
  if (!visible() || !sheet() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const typing = event.target.matches('textarea, input:not([type=radio]):not([type=checkbox]), select, [contenteditable=true]');
  if (typing) { if (event.key === 'Escape') event.target.blur(); return; }
  if (event.target.matches('.scores input')) { // a digit is the score there, not a vote
    if (event.key === 'Escape') event.target.blur();
    const score = event.target.closest('.five').querySelector(`input[value="${event.key}"]`);
    if (/^[0-9]$/.test(event.key)) { event.preventDefault(); score?.click(); score?.focus(); return; }
  }
  if (!one('input[name=keys]')?.checked) return;
  const key = event.key.toLowerCase();
  const letter = 'ABCD'[Number(key) - 1];
  const press = (selector) => { const button = one(selector); if (button) { event.preventDefault(); act(button); } };
  if (/^[0-9]$/.test(key)) press(`[data-choice="${DIGITS[key] || letter}"]`);
  else if (key === 's') press('[data-act=skip]');
  else if (key === 'u') press('[data-act=undo]');
  else if (key === 'enter' && sheet().dataset.state === 'revealed' && !event.target.closest('button, a, summary')) press('[data-act=next]');
};
document.addEventListener('keydown', onKey);

window.ragftRate = { answered: () => { rate.busy = 0; sheet()?.removeAttribute('aria-busy'); } };
