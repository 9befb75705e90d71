#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""browser.py GANYMEDE -- the studio's page in a real browser: Chromium, headless, driven by Selenium.

Starts the studio on a folder of its own with runs that are trained or written here, and looks at what a person sees.
Exit status 77 (skipped) where Chromium, chromedriver or Selenium is missing. Prints TAP.
"""
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

try:
    from selenium import webdriver
    from selenium.common.exceptions import JavascriptException, StaleElementReferenceException, WebDriverException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print('1..0 # SKIP the page of the studio is not tested: python3-selenium is not installed')
    sys.exit(77)

DRIVER = shutil.which('chromedriver')
BROWSER = shutil.which('chromium') or shutil.which('google-chrome')
SECONDS = 20  # the most that anything here may take on a loaded machine, unless a bound is tested
ENV = {**os.environ, 'OMP_NUM_THREADS': '1'}
MARKUP = '<img src=x onerror=window.hacked=1></script><b>\u202e'


class Studio:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.out = os.path.join(folder, 'runs')
        os.mkdir(self.out)
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program, 'studio', self.out, '--token-file', f'{self.folder}/token'],
                                        stdout=subprocess.PIPE, text=True, env=ENV, cwd=self.folder)
        self.address = ''
        while not self.address.startswith('http'):
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError('the studio ended')
            self.address = line.strip()
        self.base = self.address.split('#')[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(SECONDS)

    def train(self, *args):
        return subprocess.Popen([self.program, 'train', *args, '--outdir', self.out], env=ENV, cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def read(self, run, name):
        with open(f'{self.out}/{run}/{name}', encoding='utf-8') as f:
            return json.load(f)


class Page:
    def __init__(self, studio):
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for flag in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                     '--window-size=1440,900', '--force-prefers-reduced-motion'):
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
        self.d = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.studio = studio
        self.hosts = set()

    def js(self, code, *args):
        return self.d.execute_script(code, *args)

    def go(self, route):
        self.d.get('about:blank')  # so that the page is loaded anew, and not only its address changed
        self.d.get(f'{self.studio.base}#/{route}')

    def all(self, css):
        return self.d.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        self.until(lambda: self.all(css), f'there is {css}')
        return self.all(css)[0]

    def text(self, css='body'):
        return self.js('return document.querySelector(arguments[0])?.innerText ?? ""', css)

    def until(self, test, what, seconds=SECONDS):
        end, got = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                got = test()
                if got:
                    return got
            except (StaleElementReferenceException, JavascriptException):
                pass
            time.sleep(0.05)
        raise AssertionError(f'not within {seconds} s: {what}; the page says: {self.text("#room")[-500:]}')

    def has(self, text, css='body', seconds=SECONDS):
        self.until(lambda: text in self.text(css), f'"{text}" in {css}', seconds)

    def button(self, text, css=''):
        """The visible button or link with this text."""
        def find():
            return [b for b in self.all(f'{css} button, {css} a.button') if b.is_displayed() and b.text == text]
        return self.until(find, f'a button {text}')[0]

    def key(self, *keys):
        webdriver.ActionChains(self.d).send_keys(*keys).perform()

    def focused(self):
        return self.d.switch_to.active_element

    def unfocus(self):
        self.js('document.activeElement?.blur()')

    def choose(self, css, value):
        self.js('''const e = document.querySelector(arguments[0]); e.value = arguments[1];
            e.dispatchEvent(new Event("change"));''', css, value)

    # What each test ends with: nothing in the console, no other host, names for all that can be used, still layout.
    def check(self):
        bad = [e['message'] for e in self.d.get_log('browser') if e['level'] == 'SEVERE']
        bad = [m for m in bad if '404 (Not Found)' not in m or 'api' not in m]
        assert not bad, f'the console says {bad[:3]}'
        for entry in self.d.get_log('performance'):
            m = json.loads(entry['message'])['message']
            if m['method'] == 'Network.requestWillBeSent':
                url = m['params']['request']['url']
                assert url.startswith((self.studio.base, 'blob:', 'data:')), f'a request to {url}'
        roles = {'button', 'link', 'textbox', 'searchbox', 'checkbox', 'combobox', 'slider', 'tab', 'application',
                 'spinbutton', 'img', 'image', 'dialog', 'progressbar'}
        assert '[object' not in self.text(), 'an object is shown as text'
        nodes = self.d.execute_cdp_cmd('Accessibility.getFullAXTree', {})['nodes']
        unnamed = [n['role']['value'] for n in nodes if not n.get('ignored') and n['role']['value'] in roles and
                   not n.get('name', {}).get('value')]
        assert not unnamed, f'without a name: {unnamed}'
        shift, moved = self.js('''return new Promise(done => {
            new PerformanceObserver(list => {
                const all = list.getEntries().filter(e => !e.hadRecentInput);
                done([all.reduce((a, e) => a + e.value, 0), all.map(e => e.sources.map(s => s.node?.className ?? "")).join()]);
            })
                .observe({type: "layout-shift", buffered: true});
            setTimeout(() => done([0, ""]), 100);
        })''')
        assert shift <= 0.05, f'the layout of {self.d.current_url} shifted by {shift}: {moved}'


# ---- runs that are written here ----------------------------------------------------------------------------------------

def png(r, g, b, side=8):
    def chunk(kind, data):
        body = kind + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))
    rows = (b'\0' + bytes((r, g, b)) * side) * side
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def write_run(studio, run, lines, trouble='', options=None, log='', state='finished', steps=None):
    folder = f'{studio.out}/{run}'
    os.mkdir(folder)
    with open(f'{folder}/stats.jsonl', 'w', encoding='utf-8') as f:
        f.writelines(lines)
    with open(f'{folder}/log.txt', 'w', encoding='utf-8') as f:
        f.write(log)
    with open(f'{folder}/state.json', 'w', encoding='utf-8') as f:
        json.dump({'model': 'gan', 'state': state, 'trouble': trouble, 'step': steps or len(lines),
                   'steps': steps or len(lines), 'seen': 100, 'started': 1.7e9, 'per_second': 10, 'left_s': 0}, f)
    with open(f'{folder}/options.json', 'w', encoding='utf-8') as f:
        json.dump({'model': 'gan', 'options': {'data': 'ring8', **(options or {})}}, f)
    return folder


# ---- tests ---------------------------------------------------------------------------------------------------------------

def test_empty(p, s):
    """an empty folder: a sentence, a command, a button that trains; s stops the run; it can be resumed"""
    p.d.get(s.address)
    p.has('No runs in runs')
    p.has('ganymede train dcgan')
    assert '#t=' not in p.d.current_url, 'the token stays in the address'
    p.check()
    p.button('Train glyphs for a minute').click()
    p.until(lambda: 'runs/00000-dcgan-glyphs' in p.d.current_url, 'the run is opened')
    p.until(lambda: os.path.exists(f'{s.out}/00000-dcgan-glyphs/stats.jsonl'), 'the run trains')
    p.has('running', '.pane-head')
    # Keys that were switched off do nothing.
    p.key('?')
    p.has('stops the run', 'dialog')
    p.check()
    p.one('dialog input').click()
    p.key(Keys.ESCAPE)
    p.key('s')
    time.sleep(0.5)
    assert not os.path.exists(f'{s.out}/00000-dcgan-glyphs/stop'), 'a key acts that was switched off'
    assert 'stopping' not in p.text('.pane-head')
    p.js('localStorage.setItem("gm-keys", "true")')
    p.unfocus()
    p.key('s')
    p.has('stopped', '.pane-head')
    assert s.read('00000-dcgan-glyphs', 'state.json')['state'] == 'stopped'
    assert [f for f in os.listdir(f'{s.out}/00000-dcgan-glyphs') if f.startswith('checkpoint-')]
    step = s.read('00000-dcgan-glyphs', 'state.json')['step']
    p.button('Resume…').click()
    field = p.one('#resume-steps')
    field.send_keys(Keys.CONTROL, 'a')
    field.send_keys('many', Keys.ENTER)
    p.has('is an integer', '#resume-problem')
    field.send_keys(Keys.CONTROL, 'a')
    field.send_keys(str(step + 5), Keys.ENTER)
    p.has('finished', '.pane-head')
    assert s.read('00000-dcgan-glyphs', 'state.json')['step'] == step + 5


def test_terminal(p, s):
    """a run of the terminal appears in 2 s; its chart grows without a reload, and the zoom stays"""
    p.go('runs')
    p.one('.run-list a')
    child = s.train('gan', '--data', 'ring8', '--steps', '5000', '--log-every', '20')
    try:
        p.until(lambda: os.path.exists(f'{s.out}/00001-gan-ring8/options.json'), 'training begins')
        begun = time.monotonic()
        p.has('00001-gan-ring8', '.run-list', 2 + max(0, begun - time.monotonic()))
        p.go('runs/00001-gan-ring8?tab=curves')
        p.until(lambda: p.all('.chart path.smooth'), 'a curve')
        p.until(lambda: len(p.js('return document.querySelector(".chart path.smooth").getAttribute("d")')) > 80, 'some points')
        p.js('window.stays = 1; document.querySelector(".chart-plot").focus()')
        p.key('+')
        p.until(lambda: 'zoom=' in p.d.current_url, 'the zoom is in the address')
        zoom = re.search('zoom=([^&]*)', p.d.current_url)[1]
        p.until(lambda: p.js('return [...document.querySelectorAll(".chart-head button")].some(b => b.textContent === "Reset zoom" && !b.hidden)'),
                'zoom can be reset')
        before = s.read('00001-gan-ring8', 'state.json')['step']
        p.until(lambda: s.read('00001-gan-ring8', 'state.json')['step'] > before, 'it trains on')
        assert re.search('zoom=([^&]*)', p.d.current_url)[1] == zoom, 'the zoom changed'
        p.key('0')
        p.until(lambda: 'zoom=' not in p.d.current_url, 'all steps are shown again')
        grown = p.js('return document.querySelector(".chart-data-table, .chart-legend").innerText')
        p.until(lambda: p.js('return document.querySelector(".chart-data-table, .chart-legend").innerText') != grown or
                child.poll() is not None, 'the chart grows')
        assert p.js('return window.stays') == 1, 'the page was loaded again'
    finally:
        child.wait(60)
    p.has('finished', '.pane-head')
    p.check()


def test_form(p, s):
    """lr = abc: a sentence beside it and no start; corrected, Ctrl+Enter trains what the command shows"""
    p.go('runs/new?model=gan&o.data=ring8&o.steps=200')
    p.has('ready', '.form-side')
    p.check()
    for summary in p.all('details.group:not([open]) summary'):
        summary.click()
    field = p.one('#o-lr')
    field.send_keys(Keys.CONTROL, 'a')
    field.send_keys('abc', Keys.TAB)
    p.until(lambda: p.text('#o-lr-problem'), 'a sentence beside lr')
    assert not p.button('Start').is_enabled()
    assert 'o-lr-problem' in field.get_attribute('aria-describedby') and field.get_attribute('aria-invalid') == 'true'
    field.send_keys(Keys.CONTROL, 'a')
    field.send_keys('2e-3', Keys.TAB)
    p.has('ready', '.form-side')
    assert not p.text('#o-lr-problem')
    command = shlex.split(p.text('.form-side code'))
    assert command[:3] == ['ganymede', 'train', 'gan'] and '2e-3' in command, command
    webdriver.ActionChains(p.d).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    p.until(lambda: '-gan-ring8' in p.d.current_url and 'new' not in p.d.current_url, 'the run is opened')
    run = re.search(r'runs/([^?]*)', p.d.current_url.split('#')[1])[1]
    p.has('finished', '.pane-head')
    made = s.read(run, 'options.json')['options']
    again = s.train(*[w for w in command[2:]])
    assert again.wait(60) == 0
    newest = sorted(os.listdir(s.out))[-1]
    assert newest != run and s.read(newest, 'options.json')['options'] == made, 'the command makes another run'


def test_not_finite(p, s):
    """values that are not finite are marked, a spike among 200,000 lines is found, smoothing is the formula"""
    n, spike = 200000, 123457
    lines = [f'{{"step": {i}, "loss_g": {"NaN" if i == 0 else 1 + (i * 7919 % 1000) / 1000}}}\n' for i in range(1, n + 1)]
    lines[spike - 1] = f'{{"step": {spike}, "loss_g": 77.5}}\n'
    lines[49999] = '{"step": 50000, "loss_g": "nan"}\n'
    lines[149999] = '{"step": 150000, "loss_g": "inf"}\n'
    write_run(s, '00100-gan-spike', lines)
    p.go('runs/00100-gan-spike?tab=curves&smooth=2')
    begun = time.monotonic()
    p.until(lambda: p.all('.chart path.smooth'), 'a curve')
    assert time.monotonic() - begun < 10
    p.has('2 not finite', '.chart-legend')
    at = sorted(p.js('return [...document.querySelectorAll(".chart path.bad")].map(e => Number(e.dataset.step))'))
    assert len(at) == 2 and abs(at[0] - 50000) <= 400 and abs(at[1] - 150000) <= 400, at
    # The spike is in the legend at the nearest bucket: hover, by mouse.
    plot = p.one('.chart-plot')
    # Where it is, by the triangles.
    left, right = p.js('''const box = document.querySelector(".chart-plot").getBoundingClientRect();
        return [...document.querySelectorAll(".chart path.bad")].map(e => {
            const b = e.getBoundingClientRect();
            return (b.left + b.right) / 2 - box.left - box.width / 2;
        })''')
    x = left + (spike - at[0]) / (at[1] - at[0]) * (right - left)
    for dx in (0, 1, -1, 2, -2, 3, -3, 4, -4):
        webdriver.ActionChains(p.d).move_to_element_with_offset(plot, int(x + dx), 0).perform()
        time.sleep(0.1)
        if '77.5' in p.text('.chart-legend'):
            break
    assert '77.5' in p.text('.chart-legend'), p.text('.chart-legend')
    got = p.js('''return fetch("/api/runs/00100-gan-spike/stats?names=loss_g&buckets=500&half=4000",
        {headers: {"Gm-Token": localStorage.getItem("gm-token")}}).then(r => r.json())''')['series']['loss_g']
    assert max(v for v in got['max'] if v is not None) == 77.5
    mean = weight = 0
    want, k = {}, 2 ** (-1 / 4000)
    ends = set(got['x'])
    for i in range(1, n + 1):
        v = 77.5 if i == spike else 1 + (i * 7919 % 1000) / 1000
        mean, weight = mean * k, weight * k
        if i not in (50000, 150000):
            mean, weight = mean + v, weight + 1
        if i in ends:
            want[i] = mean / weight
    worst = max(abs(a - want[x]) for x, a in zip(got['x'], got['smooth']))
    assert worst < 1e-6, f'smoothing is off by {worst}'
    p.check()


def test_exports(p, s):
    """a chart as PNG, SVG and CSV, as a table and as a sentence"""
    p.go('runs/00001-gan-ring8?tab=curves')
    p.one('.chart path.smooth')
    p.js("""window.blobs = []; const make = URL.createObjectURL;
        URL.createObjectURL = b => { window.blobs.push(b); return make(b); };
        HTMLAnchorElement.prototype.click = () => {};""")
    p.one('.chart-menu summary').click()
    for name in ('CSV', 'SVG', 'PNG'):
        p.button(name, '.chart-menu[open]').click()
    p.until(lambda: p.js('return window.blobs.some(b => b.type === "image/png" && b.size > 1000)'), 'a PNG file')
    csv = p.js('return window.blobs.find(b => b.type === "text/csv").text()')
    assert csv.startswith('x,loss_d smooth,') and len(csv.splitlines()) > 50, csv[:200]
    svg = p.js('return window.blobs.find(b => b.type === "image/svg+xml").text()')
    assert svg.startswith('<svg') and 'rgb(' in svg and 'var(' not in svg, svg[:200]
    p.button('Data table', '.chart-menu[open]').click()
    assert len(p.js('return [...document.querySelectorAll(".chart-data-table tr")]')) == len(csv.splitlines())
    sentence = p.js('return document.querySelector(".chart p.only-read").textContent')
    assert re.search("loss_d: last .* minimum .* 0 not finite", sentence), sentence
    p.check()


def test_tabs(p, s):
    """eight tabs: the last loads in 2 s (and what a loaded machine adds), and all show a new run"""
    p.go('runs')
    p.one('.run-list a')
    for i in range(7):
        p.d.switch_to.new_window('tab')
        begun = time.monotonic()
        p.d.get(f'{s.base}#/runs')
        p.one('.run-list a')
        took = time.monotonic() - begun
    assert took < 6, f'the eighth tab took {took} s'
    write_run(s, '00099-gan-tabs', ['{"step": 1, "loss_g": 1}\n'])
    p.has('00099-gan-tabs', '.run-list')
    for handle in reversed(p.d.window_handles):
        p.d.switch_to.window(handle)
        p.has('00099-gan-tabs', '.run-list')
        if len(p.d.window_handles) > 1:
            p.d.close()
    p.d.switch_to.window(p.d.window_handles[0])


def test_pictures(p, s):
    """200 pictures: those of the steps that are typed, the first included"""
    folder = write_run(s, '00101-gan-pictures', ['{"step": 1, "loss_g": 1}\n'], steps=200)
    for step in range(0, 201):
        name = f'fakes-{step:06d}.png' if step else 'fakes-init.png'
        with open(f'{folder}/{name}', 'wb') as f:
            f.write(png(step, 255 - step, 7))
    p.go('runs/00101-gan-pictures?tab=samples')
    p.has('step 200', 'figcaption')
    pixel = '''const c = document.createElement("canvas").getContext("2d");
        c.drawImage(document.querySelector("figure img"), 0, 0); return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3);'''
    for typed, step in (('1', 1), ('137', 137), ('200', 200), ('0', 0), ('1,000', 200)):
        field = p.one('#step')
        field.send_keys(Keys.CONTROL, 'a')
        field.send_keys(typed, Keys.ENTER)
        p.has(f'step {step}' if step else 'before training', 'figcaption')
        p.until(lambda: p.js(pixel) == [step, 255 - step, 7], f'the picture of step {step}')
    p.unfocus()
    p.key(Keys.HOME)
    p.has('before training', 'figcaption')
    p.key(Keys.ARROW_RIGHT)
    p.has('step 1', 'figcaption')
    p.choose('[aria-label="How pictures are shown"]', 'difference')
    p.one('figure canvas')
    p.check()


def test_settings(p, s):
    """axes, smoothing, colours and selection survive a reload and are those of a second tab"""
    p.go('runs')
    for run in ('00001-gan-ring8', '00101-gan-pictures'):
        p.one(f'[aria-label="Select {run}"]').click()
    p.button('Compare 2').click()
    p.has('2 runs compared')
    p.one('.chart path.smooth')
    p.choose('#y-axis', 'log')
    p.choose('#smooth', '10')
    look = '''return JSON.stringify([document.querySelector("#y-axis").value, document.querySelector("#smooth").value,
        [...document.querySelectorAll(".chip")].map(c => c.innerText + c.querySelector("i").className),
        document.querySelector(".chart path.smooth")?.getAttribute("class")])'''
    p.until(lambda: 'smooth=10' in p.d.current_url, 'the address has it')
    p.until(lambda: p.js(look).count('of-') >= 3, 'colours')
    before, address = p.js(look), p.d.current_url
    p.d.refresh()
    p.one('.chart path.smooth')
    p.until(lambda: p.js(look) == before, f'as before: {before}')
    p.d.switch_to.new_window('tab')
    p.d.get(address)
    p.one('.chart path.smooth')
    p.until(lambda: p.js(look) == before, 'the second tab shows the same')
    p.d.get(f'{s.base}#/runs')
    p.d.refresh()
    p.until(lambda: p.text('.list-pane').count('Compare 2'), 'selection')
    p.d.close()
    p.d.switch_to.window(p.d.window_handles[0])
    p.button('Clear selection').click()
    p.check()


def test_delete(p, s):
    """deleted, taken back, deleted: the folder is there again, then in the trash"""
    run = '00101-gan-pictures'
    p.go(f'runs/{run}')
    for back in (True, False):
        p.button('Delete…').click()
        p.has('It goes to the trash', 'dialog')
        p.button('Delete', 'dialog').click()
        p.until(lambda: not os.path.exists(f'{s.out}/{run}'), 'the folder is gone')
        assert os.path.exists(f'{s.out}/.trash/{run}')
        if back:
            p.button('Undo').click()
            p.until(lambda: os.path.exists(f'{s.out}/{run}/fakes-000200.png'), 'the folder is back')
            p.go(f'runs/{run}')
            p.has(run, '.pane-head')
    p.go('runs/trash')
    p.has(run, '.trash')
    p.check()


def test_keyboard(p, s):
    """filter, list, run and tabs by keyboard alone, with a visible focus"""
    p.go('runs')
    p.one('.run-list a')
    p.unfocus()
    p.key('/')
    assert p.focused().get_attribute('id') == 'filter'
    p.key('data:ring8 state:finished step<300 step>1')
    p.until(lambda: len(p.all('.run-list tbody a')) == 2, 'two runs match')
    seen = set()
    for _ in range(12):
        p.key(Keys.TAB)
        seen.add(p.js('return document.activeElement.tagName'))
        assert p.js('return document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle') \
            not in ('none', False), 'the focus cannot be seen'
    assert {'A', 'BUTTON', 'SELECT'} & seen
    p.unfocus()
    p.key(Keys.ARROW_DOWN)
    assert p.focused().tag_name == 'a'
    p.key('x')
    p.has('Compare 1', '.list-pane')
    p.key('x')
    p.key(Keys.ENTER)
    p.has('finished', '.pane-head')
    p.one('[role="tab"][aria-selected="true"]').send_keys(Keys.ARROW_RIGHT)
    p.one('.chart path.smooth')
    assert p.focused().text == 'Curves'
    p.check()


def test_hostile(p, s):
    """markup in option values, trouble, note, names of values and log is text; rows keep their height"""
    write_run(s, '00102-gan-hostile', [json.dumps({'step': 1, MARKUP: 1, 'loss_g': 2}, ensure_ascii=False) + '\n', 'x' * 10000 + '\n'],
              trouble=MARKUP * 3, options={'data': MARKUP}, log=(MARKUP + '\n') * 5 + '\x1b[31mred\x1b[0m', state='failed')
    p.go('runs')
    p.has('00102-gan-hostile', '.run-list')
    heights = p.js('return [...new Set([...document.querySelectorAll(".run-list tbody tr")].map(r => Math.round(r.offsetHeight)))]')
    assert len(heights) == 1, f'rows of heights {heights}'
    p.go('runs/00102-gan-hostile')
    p.one('#note').send_keys('<img src=x onerror=window.hacked=1>', Keys.TAB)
    p.has('saved')
    for tab, text in (('overview', 'onerror'), ('curves', 'onerror'), ('samples', 'No samples'), ('options', 'onerror'),
                      ('scores', 'no scores'), ('log', 'red')):
        p.go(f'runs/00102-gan-hostile?tab={tab}')
        p.has(text, '.tab-panel')
        p.check()
        assert not p.all('img[onerror], .tab-panel b')
    assert '\x1b' not in p.text('.log') and '[31m' not in p.text('.log')
    assert p.js('return window.hacked') is None
    p.go('runs/00102-gan-hostile?tab=curves')
    p.has('1 line of stats.jsonl skipped')


def test_restart(p, s):
    """the studio ends: the page says so and stays readable; it starts again: the page recovers"""
    p.go('runs')
    p.has('live', '#connection')
    port = re.search(r':(\d+)/', s.base)[1]
    s.stop()
    p.until(lambda: re.search('reconnecting|offline', p.text('#connection')), 'the page says so')
    assert '00001-gan-ring8' in p.text('.run-list')
    s.process = subprocess.Popen([s.program, 'studio', s.out, '--token-file', f'{s.folder}/token', '--port', port],
                                 stdout=subprocess.DEVNULL, env=ENV, cwd=s.folder)
    p.until(lambda: 'live' in p.text('#connection'), 'live again', 20)
    write_run(s, '00103-gan-new', ['{"step": 1, "loss_g": 1}\n'])
    p.has('00103-gan-new', '.run-list', 4)
    p.d.get_log('browser')  # the refused connections
    for wide in (1440, 1024, 768, 320):
        p.d.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {'width': wide, 'height': 800, 'deviceScaleFactor': 1,
                                                                   'mobile': False})
        for route in ('runs', 'runs/00001-gan-ring8?tab=curves', 'runs/new', 'latents', 'edit', 'inpaint', 'translate'):
            p.go(route)
            p.one('.run-list a, .chart path.smooth, #o-steps, .room-grid select, .translate-room select')
            assert p.js('return document.documentElement.scrollWidth') <= wide, f'{route} is wider than {wide} px'


def main():
    if not DRIVER or not BROWSER:
        print('1..0 # SKIP the page of the studio is not tested: Chromium or chromedriver is not installed')
        return 77
    tests = [f for name, f in globals().items() if name.startswith('test_')]
    if len(sys.argv) > 2:
        tests = [f for f in tests if f.__name__[5:] in ('empty', 'terminal', *sys.argv[2:])]
    failed = 0
    print(f'1..{len(tests)}', flush=True)
    with tempfile.TemporaryDirectory(prefix='gm-studio-', ignore_cleanup_errors=True) as folder:
        studio = Studio(os.path.abspath(sys.argv[1]), folder)
        try:
            page = Page(studio)
        except WebDriverException as e:
            studio.stop()
            print(f'Bail out! the browser does not start: {e}')
            return 1
        try:
            for i, test in enumerate(tests):
                begun = time.monotonic()
                try:
                    test(page, studio)
                    word = 'ok'
                except Exception as e:
                    word = 'not ok'
                    failed += 1
                    print(f'# {type(e).__name__}: {str(e)[:2000]}'.replace('\n', '\n# '))
                    page.d.save_screenshot(os.path.join(tempfile.gettempdir(), f'gm-{test.__name__}.png'))
                print(f'{word} {i + 1} - {test.__doc__} # {time.monotonic() - begun:.1f} s', flush=True)
        finally:
            page.d.quit()
            studio.stop()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
