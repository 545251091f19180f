() => { // what the page does without asking the server: theme, keys, citations, links, notices
  if (window.ragft) return;
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const visible = (element) => !!element && element.offsetParent !== null;
  const stored = (key) => { try { return localStorage.getItem(key); } catch (_) { return null; } };
  const store = (key, value) => { try { localStorage.setItem(key, value); } catch (_) { /* a private window */ } };

  // ---------------------------------------------------------------- theme
  const setDark = (on) => document.body.classList.toggle('dark', on);
  const forced = new URLSearchParams(location.search).get('__theme');
  if (!forced && stored('ragft-theme')) setDark(stored('ragft-theme') === 'dark');

  // ---------------------------------------------------------------- links to a comparison
  const runShown = () => $('#run_line')?.dataset.run;
  const opened = () => { // the address names what is shown, so that a reload shows it again
    const run = runShown();
    if (!run || !visible($('#run_line'))) return;
    const address = new URL(location.href);
    address.searchParams.set('run', run);
    history.replaceState(null, '', address);
  };
  const share = async () => {
    const address = new URL(location.pathname, location.href);
    address.searchParams.set('run', runShown());
    const button = $('#share_btn');
    const say = (words) => { const before = button.textContent; button.textContent = words; setTimeout(() => { button.textContent = before; }, 1800); };
    try { await navigator.clipboard.writeText(address.href); say('Link copied'); }
    catch (_) { window.prompt('Copy this link', address.href); }
  };

  // ---------------------------------------------------------------- parts of the Compare tab (see ragft_ui/panels.py)
  const shown = {};
  const put = {
    arms: (arms) => {
      all('#panels .syscard').forEach((card) => { card.hidden = !arms.includes(card.dataset.arm); });
      $('#panels .cards').dataset.arms = arms.length;
    },
    mode: (mode) => { $('#ask').dataset.mode = mode; },
    spoken: (words) => { $('#spoken [role=status]').textContent = words; },
  };
  const show = (parts) => Object.entries(parts || {}).forEach(([name, value]) => {
    const mark = JSON.stringify(value);
    if (shown[name] === mark) return;
    shown[name] = mark;
    if (put[name]) put[name](value);
    else $(`[data-part="${name}"]`).innerHTML = value;
  });
  window.ragft = { opened, share, show };

  // ---------------------------------------------------------------- citations and sources
  const sourceOf = (cite) => $(`.src[data-n="${cite.dataset.n}"]`, cite.closest('.syscard'));
  const light = (source) => { all('.src.hot').forEach((one) => one.classList.remove('hot')); source?.classList.add('hot'); };
  const openSource = (cite) => {
    const source = sourceOf(cite);
    if (!source) return;
    source.open = true;
    source.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
    light(source);
    setTimeout(() => source.classList.remove('hot'), 1600);
    $('summary', source).focus({ preventScroll: true });
  };
  document.addEventListener('mouseover', (event) => {
    const cite = event.target.closest?.('.cite');
    if (cite) light(sourceOf(cite)); else if (!event.target.closest?.('.src.hot')) light(null);
  });
  // Sources are sent again when the answer is done: what the user had opened stays open.
  const open = new Set();
  const keyOf = (details) => `${details.closest('.syscard')?.className}|${details.className.split(' ')[0]}|${details.dataset.n}`;
  document.addEventListener('toggle', (event) => {
    if (event.target.matches?.('#panels details')) open[event.target.open ? 'add' : 'delete'](keyOf(event.target));
  }, true);
  const reopen = () => all('#panels details:not([data-seen])').forEach((details) => {
    details.dataset.seen = '';
    if (open.has(keyOf(details))) details.open = true;
  });

  // ---------------------------------------------------------------- clicks
  document.addEventListener('click', (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    if (hit('#theme_toggle')) {
      const dark = !document.body.classList.contains('dark');
      setDark(dark);
      store('ragft-theme', dark ? 'dark' : 'light');
    }
    if (hit('.cite')) openSource(hit('.cite'));
    if (hit('.dismiss')) {
      const notice = hit('.notice');
      store('ragft-put-away', JSON.stringify([...putAway(), notice.dataset.notice].slice(-20)));
      notice.remove();
    }
    if (hit('#run_btn')) open.clear();
    if (hit('input[data-all]')) all('#documents input[data-source]').forEach((box) => { box.checked = hit('input[data-all]').checked; });
  });

  // ---------------------------------------------------------------- a folder dropped among the files
  // Gradio takes dropped files only: what is in a folder is handed to the field that takes folders.
  const inFolder = (entry) => new Promise((resolve, reject) => {
    if (entry.isFile) { entry.file((file) => resolve([file]), reject); return; }
    const reader = entry.createReader();
    const found = [];
    const next = () => reader.readEntries(async (some) => { // at most 100 at once
      try {
        for (const one of some) if (!one.name.startsWith('.')) found.push(...await inFolder(one));
        if (some.length) next(); else resolve(found);
      } catch (error) { reject(error); }
    }, reject);
    next();
  });
  const overFiles = (event) => event.target.closest?.('#files');
  document.addEventListener('dragover', (event) => { if (overFiles(event)) event.preventDefault(); });
  document.addEventListener('drop', async (event) => {
    const entries = overFiles(event) ? [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean) : [];
    const field = $('input[webkitdirectory]');
    if (!field || !entries.some((entry) => entry.isDirectory)) return;
    event.preventDefault();
    event.stopPropagation();
    const taken = new DataTransfer();
    try { for (const entry of entries) (await inFolder(entry)).forEach((file) => taken.items.add(file)); }
    catch (_) { return; } // a folder that the browser may not read stays out, as nothing of it was taken
    field.files = taken.files;
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }, true);

  // ---------------------------------------------------------------- notices that were put away
  const putAway = () => { try { return JSON.parse(stored('ragft-put-away')) || []; } catch (_) { return []; } };
  const hideNotices = () => all('.notice[data-notice]:not([data-seen])').forEach((notice) => {
    notice.dataset.seen = '';
    if (putAway().includes(notice.dataset.notice)) notice.remove();
  });

  // ---------------------------------------------------------------- keys
  document.addEventListener('keydown', (event) => {
    const typing = event.target.matches?.('textarea, input:not([type=radio]):not([type=checkbox]), select, [contenteditable=true]');
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && visible($('#run_btn'))) {
      event.preventDefault();
      $('#run_btn').click();
    } else if (event.key === 'Escape') {
      ['#stop_btn', '#cancel_btn'].map((id) => $(id)).find(visible)?.click();
    } else if (event.key === '/' && !typing && visible($('#question textarea'))) {
      event.preventDefault();
      $('#question textarea').focus();
    }
  });

  // ---------------------------------------------------------------- a strip that scrolls can be reached by keyboard
  const strips = () => all('.cards').forEach((strip) => {
    const scrolls = strip.scrollWidth > strip.clientWidth + 4;
    if (scrolls && strip.tabIndex !== 0) {
      strip.tabIndex = 0;
      strip.setAttribute('role', 'group');
      strip.setAttribute('aria-label', 'Answers, scroll sideways');
    } else if (!scrolls && strip.hasAttribute('tabindex')) strip.removeAttribute('tabindex');
  });
  // Gradio names its upload area otherwise than it reads; without the label its text is its name. The small button that
  // takes its place shows the key of a translation.
  const nameUploads = () => {
    all('.upload-container[aria-label]').forEach((area) => area.removeAttribute('aria-label'));
    all('[aria-label^="common."]').forEach((button) => {
      const key = button.getAttribute('aria-label').slice('common.'.length);
      button.title = key[0].toUpperCase() + key.slice(1);
      button.setAttribute('aria-label', button.title);
    });
  };
  let due = false;
  const tidy = () => { due = false; strips(); reopen(); hideNotices(); nameUploads(); };
  const soon = () => { if (!due) { due = true; requestAnimationFrame(tidy); } };
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  addEventListener('resize', soon);
  tidy();
}
