#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rooms.py GANYMEDE [SCREENSHOTS] -- the studio's rooms for images in a real browser: Latents, Edit, Inpaint, Translate.

As browser.py, whose Studio and Page it uses. With a folder SCREENSHOTS, each room is written there in three widths and
both themes.
"""
import base64
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

import browser
from browser import By, Keys, Page, SECONDS, Studio, webdriver

# The pixels of the first canvas that matches, as a text; of a PNG file of this machine alike.
CANVAS = '''const c = document.querySelector(arguments[0]);
    return c && c.width ? Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).join() : "";'''
PNG = '''const [bytes, left, top, w, h] = arguments, done = arguments[arguments.length - 1];
    createImageBitmap(new Blob([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))])).then(b => {
        const c = document.createElement("canvas"), g = c.getContext("2d");
        Object.assign(c, {width: w || b.width, height: h || b.height});
        g.drawImage(b, -left, -top);
        done(Array.from(g.getImageData(0, 0, c.width, c.height).data).join());
    });'''


def canvas(p, css):
    return p.js(CANVAS, css)


def png_pixels(p, path):
    with open(path, 'rb') as f:
        return p.d.execute_async_script(PNG, base64.b64encode(f.read()).decode(), 0, 0, 0, 0)


def run(s, *args):
    """The program as the page's commands call it."""
    subprocess.run([s.program, *args], cwd=s.folder, check=True, env=browser.ENV, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def shown_command(p, label='Copy command'):
    """The text that Copy command copies."""
    p.js('''window.copied = ""; Object.defineProperty(navigator, "clipboard",
        {value: {writeText: async t => { window.copied = t; }}, configurable: true});''')
    p.button(label).click()
    return p.until(lambda: p.js('return window.copied'), 'a copied command')


def fixtures(s):
    with open(f'{s.folder}/picture.png', 'wb') as f:
        f.write(browser.png(200, 30, 30, 53))
    small = ['--batch', '16', '--monitors', 'no', '--log-every', '50']
    for args in (['dcgan', '--data', 'shapes', '--size', '16', '--nz', '4', '--width', '8', '--steps', '150', '--lr', '2e-3'],
                 ['infogan', '--data', 'glyphs', '--size', '16', '--width', '4', '--steps', '20', '--codes', '1', '--categories',
                  '4', '--continuous', '2'],
                 ['pix2pix', '--data', 'labels2shapes', '--size', '32', '--width', '4', '--steps', '3', '--batch', '2'],
                 ['gan', '--data', 'ring8', '--width', '8', '--steps', '3'],
                 ['gan-cls', '--data', 'captioned', '--size', '16', '--width', '4', '--nz', '4', '--steps', '60', '--lr', '2e-3'],
                 ['style-encoder', '--of', f'{s.out}/00004-gan-cls-captioned', '--data', 'captioned', '--size', '16', '--steps', '3',
                  '--batch', '4'],
                 ['stargan', '--data', 'shapes', '--size', '16', '--width', '2', '--blocks', '1', '--k', '2', '--steps', '3',
                  '--batch', '2']):
        assert s.train(*small, *args).wait(120) == 0, args


def shots(p, room, folder):
    if not folder:
        return
    os.makedirs(folder, exist_ok=True)
    for width in (1440, 1024, 768):
        for theme in ('light', 'dark'):
            p.d.set_window_size(width, 900)
            p.js('document.documentElement.dataset.theme = arguments[0]', theme)
            time.sleep(0.2)
            p.d.save_screenshot(f'{folder}/{room}-{width}-{theme}.png')
    p.d.set_window_size(1440, 900)
    p.js('delete document.documentElement.dataset.theme')


# ---- tests ---------------------------------------------------------------------------------------------------------------

def test_latents(p, s):
    """Latents: the picture of the address, by seed, codes and directions; the same by the copied command; errors"""
    p.d.get(s.address)
    p.has('Runs', '#rooms')
    p.go('latents')
    p.has('Choose a run')
    p.check()
    p.go('latents/00000-dcgan-shapes?seed=5')
    first = p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    p.key('n')
    p.until(lambda: canvas(p, '.latent-pictures canvas') != first, 'another seed is another picture')
    p.until(lambda: 'seed=6' in p.d.current_url, 'the seed is in the address')
    p.button('Compute directions').click()
    p.has('PC1', seconds=60)
    p.js('''const r = document.querySelector('[aria-label^="PC1"]'); r.value = "1.5"; r.dispatchEvent(new Event("input"));''')
    p.until(lambda: 'along=0:1.5' in p.d.current_url, 'the direction is in the address')
    time.sleep(0.5)
    now = canvas(p, '.latent-pictures canvas')
    words = shlex.split(shown_command(p))
    assert words[:3] == ['ganymede', 'sample', '00000-dcgan-shapes'], words
    same_samples(p, s, words, now)
    p.check()
    link = p.d.current_url
    p.d.get('about:blank')
    p.d.get(link)
    p.until(lambda: canvas(p, '.latent-pictures canvas') == now, 'the link shows the same picture')
    # The shelf: two samples, their sum by the copied command, the way between them, the nearest training examples
    p.go('latents/00000-dcgan-shapes?seed=5')
    p.button('Keep this sample').click()
    p.until(lambda: p.all('[aria-label="Show a"]'), 'a kept sample')
    p.key('n')
    p.until(lambda: 'seed=6' in p.d.current_url, 'another sample')
    time.sleep(0.5)
    p.button('Keep this sample').click()
    p.until(lambda: p.all('[aria-label="Show b"]'), 'two kept samples')
    field = p.one('[aria-label="Sum of kept samples"]')
    field.send_keys('2*a - b - x')
    p.button('Show sum').click()
    p.has('is not a sum of kept samples')
    before = canvas(p, '.latent-pictures canvas')
    field = p.one('[aria-label="Sum of kept samples"]')
    field.clear()
    field.send_keys('2*a - b')
    p.button('Show sum').click()
    p.has('Shown is a sum of samples: 2 seed=5; -1 seed=6')
    p.until(lambda: canvas(p, '.latent-pictures canvas') != before, 'the sum is another picture')
    words = shlex.split(shown_command(p))
    assert words[words.index('--mix') + 1] == '2 seed=5; -1 seed=6', words
    run(s, *words[1:])
    p.button('Strip').click()
    p.until(lambda: p.all('[aria-label="8 images from a to b"]'), 'a strip')
    webp = base64.b64decode(saved(p, 'Save animation'))
    assert webp[:4] == b'RIFF' and webp[8:12] == b'WEBP' and webp.count(b'ANMF') > 3, webp[:40]
    p.go('latents/00000-dcgan-shapes?seed=5')
    p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    p.button('Nearest training examples').click()
    p.has('training examples, with their number', seconds=60)
    assert len(p.all('.near canvas')) == 5
    same_nearest(p, s)
    p.check()
    p.choose('[aria-label="Nearest by"]', 'features')
    p.until(lambda: 'by=features' in p.d.current_url, 'the choice is in the address')
    p.button('Nearest training examples').click()
    p.has('features of dcgan', seconds=60)
    same_nearest(p, s)
    p.go('latents/00001-infogan-glyphs?seed=5&by=features')
    p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    p.button('Nearest training examples').click()
    p.has('infogan has no features of its own')
    # More directions, said in the address and in the command
    p.go('latents/00001-infogan-glyphs?seed=5&directions=24&along=20:3')
    p.has('PC24', seconds=60)
    now = p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    words = shlex.split(shown_command(p))
    assert words[words.index('--directions') + 1] == '24', words
    same_samples(p, s, words, now)
    p.go('latents/00001-infogan-glyphs?seed=5&along=20:3')
    p.has('a direction from 0 to 15')
    p.d.get_log('browser')
    # Another checkpoint
    p.go('latents/00000-dcgan-shapes?seed=5')
    newest = p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    older_checkpoint(p, 'checkpoint-000150.safetensors')
    p.until(lambda: canvas(p, '.latent-pictures canvas') != newest, 'an older checkpoint is another picture')
    same_samples(p, s, shlex.split(shown_command(p)), canvas(p, '.latent-pictures canvas'))
    # A caption, of which the text encoder does not know all
    p.go('latents/00004-gan-cls-captioned?seed=5&psi=2')
    first = p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    field = p.one('[placeholder="those of the data"]')
    field.send_keys('a small red circle', Keys.ENTER)
    p.until(lambda: canvas(p, '.latent-pictures canvas') != first, 'the caption is another picture')
    p.until(lambda: 'caption=a+small' in p.d.current_url and 'psi' not in p.d.current_url, 'the caption is in the address')
    same_samples(p, s, shlex.split(shown_command(p)), canvas(p, '.latent-pictures canvas'))
    p.check()
    shots(p, 'captions', SHOTS)
    # Dragging on the picture goes along the first two directions
    p.go('latents/00000-dcgan-shapes?seed=5&along=0:0')
    p.has('PC1', seconds=60)
    picture = p.one('.latent-pictures canvas')
    webdriver.ActionChains(p.d).move_to_element(picture).click_and_hold().move_by_offset(50, -100).release().perform()
    p.until(lambda: 'along=0:0.50,1:1.00' in p.d.current_url.replace('%2C', ','), 'the directions of the drag')
    # Codes of InfoGAN
    p.go('latents/00001-infogan-glyphs?seed=1&n=4')
    p.until(lambda: len(p.all('.latent-pictures canvas')) == 4, 'four samples')
    before = p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a sample')
    p.choose('.latent-controls .slider select', '3')
    p.until(lambda: canvas(p, '.latent-pictures canvas') != before, 'a code changes the picture')
    p.until(lambda: 'codes=' in p.d.current_url, 'the code is in the address')
    p.check()
    shots(p, 'latents', SHOTS)
    # Bad addresses and runs that cannot
    p.go('latents/00001-infogan-glyphs?codes=nose=1')
    p.has('is not NAME=VALUE')
    p.go('latents/00003-gan-ring8')
    p.has('does not generate images')
    p.d.get_log('browser')  # the refused requests


def older_checkpoint(p, newest):
    """Chooses the oldest checkpoint of the run."""
    names = [o.get_attribute('value') for o in p.all('[aria-label="Checkpoint"] option')]
    assert names[:2] == ['', newest] and len(names) > 2, names
    p.choose('[aria-label="Checkpoint"]', names[-1])
    p.until(lambda: f'checkpoint={names[-1]}' in p.d.current_url, 'the checkpoint is in the address')


def same_samples(p, s, words, now):
    """The command's grid of one sample is enlarged and has a margin: its pixels, one of each block, are the page's."""
    run(s, *words[1:])
    grid = png_pixels(p, f'{s.folder}/samples.png').split(',')
    side = int((len(grid) // 4) ** 0.5)
    found = any(','.join(grid[4 * (((side - 16 * k) // 2 + y * k) * side + (side - 16 * k) // 2 + x * k) + c]
                         for y in range(16) for x in range(16) for c in range(4)) == now for k in range(1, side // 16 + 1))
    assert found, f'the copied command gives another picture ({side} x {side})'


def same_nearest(p, s):
    """The command finds the same examples, with the same distances."""
    words = shlex.split(shown_command(p, 'Copy command of the nearest'))
    out = subprocess.run([s.program, *words[1:]], cwd=s.folder, check=True, env=browser.ENV, capture_output=True, text=True).stdout
    told = re.search('^sample 0:((?: [0-9]+ [(][0-9.]+[)])+)', out, re.M).group(1)
    told = [(int(a), float(b)) for a, b in re.findall('([0-9]+) [(]([0-9.]+)', told)]
    page = [re.fullmatch('([0-9,]+): ([0-9.]+)', f.text).groups() for f in p.all('.near figcaption')]
    assert [int(a.replace(',', '')) for a, _ in page] == [a for a, _ in told], (page, told)
    assert all(abs(float(b) - t) < 1.1e-3 for (_, b), (_, t) in zip(page, told)), (page, told)


def test_sliders(p, s):
    """Latents: a slider that moves 240 times in 2 s: one request at a time, the last value is drawn, the time is told"""
    p.go('latents/00000-dcgan-shapes?seed=5')
    p.until(lambda: canvas(p, '.latent-pictures canvas'), 'a picture')
    p.js('''performance.clearMeasures(); window.inFlight = 0; window.most = 0;
        const ask = window.fetch; window.fetch = (...a) => {
            if (!String(a[0]).includes("/draw")) return ask(...a);
            window.most = Math.max(window.most, ++window.inFlight);
            return ask(...a).finally(() => window.inFlight--);
        };
        const r = document.querySelector('[aria-label="psi"]'); let i = 0;
        window.timer = setInterval(() => {
            r.value = String(2 * i / 240);
            r.dispatchEvent(new Event("input"));
            if (++i > 240) { clearInterval(window.timer); window.over = true; }
        }, 1000 / 120);''')
    p.until(lambda: p.js('return window.over'), 'the slider moved')
    p.until(lambda: p.js('return window.inFlight') == 0, 'all answers came')
    time.sleep(0.5)
    assert p.js('return window.most') == 1, 'more than one request in flight'
    times = sorted(p.js('return performance.getEntriesByName("gm-draw").map(e => e.duration)'))
    net = sorted(float(t) for t in times)
    print(f'# {len(times)} pictures of 240 inputs; from input to picture: median {net[len(net) // 2]:.0f} ms, p95 '
          f'{net[int(len(net) * .95)]:.0f} ms')
    last = canvas(p, '.latent-pictures canvas')
    p.go('latents/00000-dcgan-shapes?seed=5&psi=2')
    p.until(lambda: canvas(p, '.latent-pictures canvas') == last, 'the last value was drawn')


def test_inpaint(p, s):
    """Inpaint: a sample of the run itself is completed; the mask by pointer and keyboard; cancel; the same by command"""
    p.go('inpaint')
    p.has('Choose a run')
    p.go('inpaint/00000-dcgan-shapes?starts=4&iterations=60&ways=2')
    p.has('64 of 256 pixels hidden')
    p.check()
    view = p.one('.canvases [tabindex]')
    hidden = p.text('figcaption')
    webdriver.ActionChains(p.d).move_to_element_with_offset(view, -100, -100).click_and_hold().move_by_offset(20, 0).release().perform()
    p.until(lambda: p.text('figcaption') != hidden, 'the pointer paints')
    p.button('Undo').click()
    p.has(hidden, 'figcaption')
    p.button('clear').click()
    p.has('0 of 256', 'figcaption')
    assert not p.button('Fill').is_enabled()
    p.js('arguments[0].focus()', view)
    p.key(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, ' ')
    p.until(lambda: ' 0 of 256' not in p.text('figcaption'), 'the keyboard paints')
    webdriver.ActionChains(p.d).key_down(Keys.CONTROL).send_keys('z').key_up(Keys.CONTROL).perform()
    p.until(lambda: ' 0 of 256' in p.text('figcaption'), 'undo by keyboard')
    p.button('centre').click()
    p.button('Fill').click()
    p.has('2 completions', seconds=60)
    assert len(p.all('.results canvas')) == 2
    p.has('context loss')
    p.check()
    shots(p, 'inpaint', SHOTS)
    # The copied command, with the saved input and mask, gives the same picture.
    words = shlex.split(shown_command(p))
    for name, button in (('input.png', 'Save input'), ('mask.png', 'Save mask')):
        with open(f'{s.folder}/{name}', 'wb') as f:
            f.write(base64.b64decode(saved(p, button)))
    run(s, *words[1:])
    assert png_pixels(p, f'{s.folder}/completed/input-1.png') == canvas(p, '.results canvas'), 'the command gives another picture'
    # Another checkpoint gives other completions, also by the command
    newest = canvas(p, '.results canvas')
    older_checkpoint(p, 'checkpoint-000150.safetensors')
    p.button('Fill').click()
    p.until(lambda: canvas(p, '.results canvas') != newest and p.button('Fill').is_enabled(), 'other completions', 60)
    words = shlex.split(shown_command(p))
    assert 'checkpoint-' in words[2], words
    run(s, *words[1:-1], 'older')
    assert png_pixels(p, f'{s.folder}/older/input-1.png') == canvas(p, '.results canvas'), 'the command gives another picture'
    # A test picture by its number; the scores are those of the verb
    p.go('inpaint/00000-dcgan-shapes?starts=4&iterations=30&ways=1&test=3')
    p.has("picture 3 of the run's data, ")
    third = canvas(p, '.canvases figure canvas')
    p.button('Fill').click()
    p.has('1 completion,', seconds=60)
    told = re.search('hidden part ([0-9.]+) dB, L1 ([0-9.]+) %, seam ([0-9.]+) % .picture: ([0-9.]+) %', p.text('.results')).groups()
    words = shlex.split(shown_command(p))
    for name, button in (('input.png', 'Save input'), ('mask.png', 'Save mask')):
        with open(f'{s.folder}/{name}', 'wb') as f:
            f.write(base64.b64decode(saved(p, button)))
    words = words[1:words.index('--ways')] + words[words.index('--ways') + 2:words.index('-o')]
    out = subprocess.run([s.program, *words, '--score'], cwd=s.folder, check=True, env=browser.ENV, capture_output=True, text=True).stdout
    rows = {m[0]: m[1:] for m in re.findall('^([a-z]+) +L1 +([0-9.]+) .*PSNR +([0-9.]+) dB +seam +([0-9.]+)', out, re.M)}
    assert (rows['dcgan'][1], rows['dcgan'][0], rows['dcgan'][2], rows['truth'][2]) == told, (rows, told)
    field = p.one('[aria-label="Number of a test picture"]')
    field.clear()
    field.send_keys('4', Keys.ENTER)
    p.has("picture 4 of the run's data, ")
    p.until(lambda: 'test=4' in p.d.current_url and canvas(p, '.canvases figure canvas') != third, 'another picture')
    p.check()
    # Cancel
    p.go('inpaint/00000-dcgan-shapes?starts=32&iterations=5000')
    p.has('64 of 256 pixels hidden')
    p.button('Fill').click()
    p.has('iteration')
    p.until(lambda: p.all('.results canvas'), 'completions so far are shown')
    p.button('Cancel').click()
    p.has('cancelled: the best completions so far', '.job', seconds=5)
    assert p.all('.results canvas'), 'cancelling keeps what there is'
    # A reload comes back to the job; another tab that waits for it says so, and can cancel it.
    p.button('left half').click()
    p.has('128 of 256 pixels hidden')
    before = re.search('job=[0-9]+', p.d.current_url).group()
    p.button('Fill').click()
    p.until(lambda: 'job=' in p.d.current_url and before not in p.d.current_url, 'the job is in the address')
    masked = canvas(p, '.zoomed canvas')
    p.d.refresh()
    p.has('the picture that was filled in — 128 of 256 pixels hidden')
    p.has('iteration')
    assert canvas(p, '.zoomed canvas') == masked, 'the picture and its mask come back'
    first = p.d.current_window_handle
    p.js('window.open(arguments[0])', f'{s.base}#/edit/00000-dcgan-shapes?starts=8&iterations=5')
    p.d.switch_to.window(p.d.window_handles[-1])
    p.has('from scribbles alone')
    webdriver.ActionChains(p.d).move_to_element(p.one('.canvases [tabindex]')).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('waits for another job: inpaint of 00000-dcgan-shapes')
    p.button('Cancel that one').click()
    p.has('candidates, cost below each')
    p.check()
    p.d.close()
    p.d.switch_to.window(first)
    p.has('cancelled: the best completions so far', '.job', seconds=5)
    p.js('location.hash = location.hash.replace(/job=[0-9]+/, "job=999")')
    p.has('There is no job 999 of this run any longer')
    p.d.get_log('browser')
    p.button('invert').click()
    p.button('left half').click()
    p.button('clear').click()
    p.has('0 of 256 pixels hidden: hide a part')
    p.button('invert').click()
    p.has('256 of 256 pixels hidden: leave a part visible')
    p.button('centre').click()
    # Masks by name; a larger view
    for name, hidden in (('low resolution', 240), ('left half', 128)):
        p.button(name).click()
        p.has(f'{hidden} of 256 pixels hidden')
    p.button('pattern').click()
    p.until(lambda: ' 128 of' not in p.text('figcaption'), 'a pattern')
    wide = p.one('.zoomed canvas').size['width']
    p.js('document.querySelector("[aria-label=Larger]").click()')
    p.until(lambda: p.one('.zoomed canvas').size['width'] == 2 * wide, 'twice as large')
    # which moves by Ctrl and arrow keys, the middle button and two fingers, and is not painted on by them
    p.js('for (let i = 0; i < 2; i++) document.querySelector("[aria-label=Larger]").click()')
    p.until(lambda: p.one('.zoomed canvas').size['width'] == 8 * wide, 'eight times as large')
    left = 'return document.querySelector(".zoomed").scrollLeft'
    view, before = p.one('.zoomed canvas'), p.text('figcaption')
    p.js('arguments[0].focus()', view)
    webdriver.ActionChains(p.d).key_down(Keys.CONTROL).send_keys(Keys.ARROW_RIGHT * 3).key_up(Keys.CONTROL).perform()
    p.until(lambda: p.js(left) == 96, 'Ctrl and an arrow move the view')
    p.js('''const v = arguments[0], go = (type, id, x, button = 0) => v.dispatchEvent(new PointerEvent(type, {pointerId: id,
        clientX: x, clientY: 300, button, bubbles: true, cancelable: true}));
        v.setPointerCapture = () => {};
        go("pointerdown", 1, 300, 1); go("pointermove", 1, 260); go("pointerup", 1, 260, 1);
        go("pointerdown", 1, 300); go("pointerdown", 2, 320); go("pointermove", 1, 280); go("pointermove", 2, 300);
        go("pointerup", 1, 280); go("pointerup", 2, 300);''', view)
    assert p.js(left) == 96 + 40 + 20, p.js(left)
    assert p.text('figcaption') == before, 'moving the view paints nothing'


def saved(p, button):
    """The bytes that a button saves as a file, in base64."""
    return p.d.execute_async_script('''const done = arguments[arguments.length - 1], make = URL.createObjectURL;
        URL.createObjectURL = b => { const r = new FileReader(); r.onload = () => done(r.result.split(",")[1]);
            r.readAsDataURL(b); URL.createObjectURL = make; return make(b); };
        [...document.querySelectorAll("button")].find(b => b.textContent === arguments[0]).click();''', button)


def test_narrow(p, s):
    """All rooms at 768 and 500 pixels, dark: nothing moves while they open, all has names, nothing is cut off"""
    p.d.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': 'dark'}]})
    try:
        for wide in (768, 500):
            p.d.set_window_size(wide, 900)
            for route, text in (('latents/00000-dcgan-shapes', 'of it for the net'), ('edit/00000-dcgan-shapes', 'scribbles alone'),
                                ('inpaint/00000-dcgan-shapes', 'pixels hidden'), ('translate/00006-stargan-shapes', 'drop one')):
                p.go(route)
                p.has(text)
                p.check()
                assert p.js('return document.documentElement.scrollWidth <= innerWidth'), f'{route} is wider than {wide}'
    finally:
        p.d.set_window_size(1440, 900)
        p.d.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': []})


def test_edit(p, s):
    """Edit: a stroke by pointer and by keyboard gives candidates; undo; a warp needs a photo; the same by the copied command"""
    p.go('edit')
    p.has('Choose a run')
    p.check()
    p.go('edit/00000-dcgan-shapes?starts=16&iterations=40')
    p.has('from scribbles alone')
    p.check()
    view = p.one('.canvases [tabindex]')
    p.button('Warp').click()
    webdriver.ActionChains(p.d).move_to_element(view).click_and_hold().move_by_offset(50, 0).release().perform()
    p.has('choose one first')
    p.button('Colour').click()
    # Candidates come while the stroke is drawn, and are given up with it.
    webdriver.ActionChains(p.d).move_to_element(view).click_and_hold().move_by_offset(30, 0).perform()
    p.until(lambda: p.all('.results canvas'), 'candidates before the pen is up')
    p.js('arguments[0].focus()', view)
    p.key(Keys.ESCAPE)
    p.until(lambda: not p.all('.results canvas'), 'no stroke, no candidates')
    time.sleep(0.5)
    assert not p.all('.results canvas'), 'the job before shows nothing more'
    webdriver.ActionChains(p.d).release().perform()
    webdriver.ActionChains(p.d).move_to_element(view).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('candidates, cost below each', seconds=60)
    first = canvas(p, '.results canvas')
    error = float(re.search(r'colour error of the best ([0-9.]+)', p.text('.job')).group(1))
    assert 0 < error < 1, error
    p.js('arguments[0].focus()', view)
    p.key(Keys.ARROW_DOWN, Keys.ARROW_DOWN, ' ', Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, ' ')
    p.until(lambda: canvas(p, '.results canvas') not in ('', first), 'the stroke of the keyboard changes the result')
    p.button('Undo').click()
    p.until(lambda: canvas(p, '.results canvas') == first, 'undo gives the result before, to the bit')
    # The copied command, with the saved strokes, gives the same candidate.
    words = shlex.split(shown_command(p))
    with open(f'{s.folder}/strokes.json', 'wb') as f:
        f.write(base64.b64decode(saved(p, 'Save strokes')))
    run(s, *words[1:])
    grid = png_pixels(p, f'{s.folder}/edited.png')
    assert any(grid_has(grid, n, k, first) for n in range(1, 17) for k in range(1, 21)), 'the command gives another picture'
    # A photo: its projection, a warp, frames
    p.button('Own sample').click()
    p.has('a sample of the run')
    p.button('Warp').click()
    webdriver.ActionChains(p.d).move_to_element(view).click_and_hold().move_by_offset(100, 0).release().perform()
    p.has("error of the photo's projection", seconds=60)
    assert float(re.search(r"photo's projection ([0-9.e-]+)", p.text('.job')).group(1)) < 0.2
    assert p.one('.frames').is_displayed()
    best = canvas(p, '.canvases figure canvas')
    p.js('const r = document.querySelector(".frames input"); r.value = "0"; r.dispatchEvent(new Event("input"));')
    p.until(lambda: canvas(p, '.canvases figure canvas') != best, 'frames show the way from the photo')
    p.check()
    shots(p, 'edit', SHOTS)
    # The last weights instead of their averages give other images, also by the copied command.
    p.choose('[aria-label="Weights"]', 'raw')
    p.until(lambda: 'weights=raw' in p.d.current_url, 'the weights are in the address')
    # A photo of another size: the edit applied to it, at its size, is that of the copied command
    with open(f'{s.folder}/photo.png', 'wb') as f:
        f.write(browser.png(200, 120, 60, 41))
    p.all('input[type=file]')[0].send_keys(f'{s.folder}/photo.png')
    p.has('photo.png: 41 × 41 pixels')
    # A part of it, by keyboard
    p.button('Crop…').click()
    p.has('41 × 41 pixels from 0, 0', 'dialog')
    p.key('-' * 11, Keys.ARROW_LEFT * 2, Keys.ARROW_DOWN * 3)
    p.has('30 × 30 pixels from 3, 8', 'dialog')
    p.check()
    p.button('Crop', 'dialog').click()
    p.has('cropped to 30 × 30 pixels')
    p.button('Colour').click()
    webdriver.ActionChains(p.d).move_to_element(view).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('candidates, cost below each', seconds=60)
    p.until(lambda: p.button('Apply to the photo').is_enabled(), 'the edit can be applied')
    p.button('Apply to the photo').click()
    p.has('the edit at 30 × 30 pixels', seconds=60)
    changed = canvas(p, '[aria-label="The photo before and after the edit"]')
    replay(p, s)
    assert png_pixels(p, f'{s.folder}/after.png') == changed, 'the command gives another photo'
    # From the photo to a second one
    p.all('input[type=file]')[1].send_keys(f'{s.folder}/picture.png')
    p.has('From one photo to another', seconds=60)
    strip = canvas(p, '[aria-label="From one photo to another, 18 images"]').split(',')
    assert len(strip) == 4 * 18 * 256, len(strip)
    words = shlex.split(shown_command(p, 'Copy command of the morph'))
    for name, button in (('photo.png', 'Save photo'), ('second.png', 'Save second photo')):
        with open(f'{s.folder}/{name}', 'wb') as f:
            f.write(base64.b64decode(saved(p, button)))
    run(s, *words[1:])
    grid = png_pixels(p, f'{s.folder}/morph.png')
    for i in (0, 1, 9, 17):
        one = ','.join(strip[4 * (y * 18 * 16 + i * 16 + x) + c] for y in range(16) for x in range(16) for c in range(4))
        assert any(grid_has(grid, 18, k, one, i) for k in range(1, 21)), f'the command gives another image {i}'
    p.check()
    # Fixed: the candidate is the image before further strokes, until a restart
    p.js('scrollTo(0, 0)')
    p.button('Fix').click()
    p.has('the fixed candidate')
    p.button('Restart').click()
    p.has('cropped to 30 × 30 pixels')
    webdriver.ActionChains(p.d).move_to_element(view).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('candidates, cost below each', seconds=60)
    p.button('Fix').click()
    p.has('the fixed candidate')
    webdriver.ActionChains(p.d).move_to_element(view).move_by_offset(0, 80).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('candidates, cost below each', seconds=60)
    first = canvas(p, '.results canvas')
    replay(p, s)
    grid = png_pixels(p, f'{s.folder}/edited.png')
    assert any(grid_has(grid, n, k, first) for n in range(1, 17) for k in range(1, 21)), 'after Fix the command differs'
    # The same strokes with another checkpoint; one that is not there any longer is told
    p.go('edit/00000-dcgan-shapes?starts=16&iterations=10')
    p.has('from scribbles alone')
    older_checkpoint(p, 'checkpoint-000150.safetensors')
    webdriver.ActionChains(p.d).move_to_element(p.one('.canvases [tabindex]')).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('candidates, cost below each', seconds=60)
    first = canvas(p, '.results canvas')
    words = replay(p, s)
    assert 'checkpoint-' in words[2], words
    grid = png_pixels(p, f'{s.folder}/edited.png')
    assert any(grid_has(grid, n, k, first) for n in range(1, 17) for k in range(1, 21)), 'the command has another checkpoint'
    p.choose('[aria-label="Checkpoint"]', '')
    p.until(lambda: canvas(p, '.results canvas') != first, 'the newest one gives another image')
    # A job that nobody can see any longer ends
    p.go('edit/00000-dcgan-shapes?starts=256&iterations=1000')
    p.has('from scribbles alone')
    webdriver.ActionChains(p.d).move_to_element(p.one('.canvases [tabindex]')).click_and_hold().move_by_offset(60, 0).release().perform()
    p.has('of 1,000', '.job')
    number = p.js("return performance.getEntriesByType('resource').map(e => /jobs.([0-9]+)$/.exec(e.name)?.[1]).filter(n => n).pop()")
    p.go('runs')
    state = """const done = arguments[arguments.length - 1];
        fetch(`/api/jobs/${arguments[0]}`, {headers: {'Gm-Token': localStorage.getItem('gm-token')}}).then(a => a.json())
            .then(j => done(`${j.kind} ${j.state}`));"""
    p.until(lambda: p.d.execute_async_script(state, number) == 'edit cancelled', 'the job ends with its room')
    p.go('edit/00000-dcgan-shapes?checkpoint=checkpoint-000007.safetensors')
    p.has('from scribbles alone')
    p.button('Own sample').click()
    p.has('00000-dcgan-shapes has no checkpoint-000007.safetensors: choose another of its checkpoints')
    p.d.get_log('browser')


def replay(p, s):
    """Runs the copied command with the saved photo and strokes."""
    words = shlex.split(shown_command(p))
    for name, button in (('strokes.json', 'Save strokes'), ('photo.png', 'Save photo')):
        with open(f'{s.folder}/{name}', 'wb') as f:
            f.write(base64.b64decode(saved(p, button)))
    run(s, *words[1:])
    return words


def grid_has(grid, columns, k, pixels, i=0):
    """Whether picture i of `columns` pictures of 16 x 16, enlarged k times, of a grid of one row has these pixels."""
    numbers = grid.split(',')
    for margin in range(1, 41):
        width = columns * 16 * k + (columns + 1) * margin
        if len(numbers) != 4 * width * (16 * k + 2 * margin):
            continue
        left = margin + i * (16 * k + margin)
        if ','.join(numbers[4 * ((margin + y * k) * width + left + x * k) + c] for y in range(16) for x in range(16)
                    for c in range(4)) == pixels:
            return True
    return False


def test_translate(p, s):
    """Translate: a dropped picture is fitted and translated; a damaged one and a run that cannot are told"""
    p.go('translate/00002-pix2pix-labels2shapes')
    p.has('drop one here')
    p.check()
    p.all('input[type=file]')[0].send_keys(f'{s.folder}/picture.png')
    p.has('padded to 32 × 32')
    p.has('of it for the net')
    same_translation(p, s, '00002-pix2pix-labels2shapes')
    p.check()
    shots(p, 'translate', SHOTS)
    newest = canvas(p, '[aria-label="Translation"]')
    older_checkpoint(p, 'checkpoint-000003.safetensors')
    p.until(lambda: canvas(p, '[aria-label="Translation"]') != newest, 'an older checkpoint translates differently')
    words = shlex.split(shown_command(p))
    assert 'checkpoint-' in words[2], words
    same_translation(p, s, words[2])
    with open(f'{s.folder}/broken.jpg', 'wb') as f:
        f.write(b'\xff\xd8\xff\xe0 cut')
    p.all('input[type=file]')[0].send_keys(f'{s.folder}/broken.jpg')
    p.has('broken.jpg is not a picture')
    p.go('translate/00000-dcgan-shapes')
    p.has('does not translate images')


def same_translation(p, s, run_of):
    """The copied command makes the shown picture of the saved input."""
    words = shlex.split(shown_command(p))
    assert words[:3] == ['ganymede', 'translate', run_of], words
    with open(f'{s.folder}/input.png', 'wb') as f:
        f.write(base64.b64decode(saved(p, 'Save input')))
    run(s, *words[1:], '--force')
    assert png_pixels(p, f'{s.folder}/output.png') == canvas(p, '[aria-label="Translation"]'), 'the command gives another picture'


def test_wishes(p, s):
    """Translate: a caption and attributes, where the run takes them; the same by the copied command"""
    p.go('translate/00005-style-encoder-captioned')
    p.has('drop one here')
    p.all('input[type=file]')[0].send_keys(f'{s.folder}/picture.png')
    p.has('reads a caption')
    field = p.one('[placeholder="what the result shows"]')
    field.send_keys('a small red circle', Keys.ENTER)
    p.has('of it for the net')
    first = canvas(p, '[aria-label="Translation"]')
    same_translation(p, s, '00005-style-encoder-captioned')
    field.clear()
    field.send_keys("a 'large' blue square", Keys.ENTER)
    p.until(lambda: canvas(p, '[aria-label="Translation"]') != first, 'another caption is another picture')
    same_translation(p, s, '00005-style-encoder-captioned')
    p.until(lambda: 'caption=a+%27large' in p.d.current_url, 'the caption is in the address')
    p.d.get_log('browser')  # the refused request without a caption
    p.go('translate/00006-stargan-shapes')
    p.has('drop one here')
    p.all('input[type=file]')[0].send_keys(f'{s.folder}/picture.png')
    p.has('is not ATTRIBUTE=VALUE; this run has label=0..')
    p.d.get_log('browser')
    p.js('const e = [...document.querySelectorAll("label")].find(l => l.textContent.startsWith("label")).querySelector("select");'
         'e.value = "1"; e.dispatchEvent(new Event("change"));')
    p.has('of it for the net')
    p.until(lambda: 'to=label%3D1' in p.d.current_url, 'the attribute is in the address')
    same_translation(p, s, '00006-stargan-shapes')
    p.check()
    shots(p, 'attributes', SHOTS)


def test_folder(p, s):
    """Translate: a folder, picture by picture; the files are those of the copied command; bad ones are named; stop"""
    os.makedirs(f'{s.folder}/album/more')
    for i, (name, side) in enumerate((('b.png', 32), ('a.x.png', 21), ('more/c.png', 40))):
        with open(f'{s.folder}/album/{name}', 'wb') as f:
            f.write(browser.png(20 * i, 90, 200, side))
    for name, text in (('bad.jpg', b'\xff\xd8\xff\xe0 cut'), ('note.txt', b'no picture')):
        with open(f'{s.folder}/album/{name}', 'wb') as f:
            f.write(text)
    p.go('translate/00002-pix2pix-labels2shapes?seed=3')
    p.has('drop one here')
    p.js('''window.files = {}; const made = new Map(), make = URL.createObjectURL;
        URL.createObjectURL = b => { const u = make.call(URL, b); made.set(u, b); return u; };
        HTMLAnchorElement.prototype.click = function() { const r = new FileReader(), name = this.download;
            r.onload = () => window.files[name] = r.result.split(",")[1]; r.readAsDataURL(made.get(this.href)); };''')
    p.js('document.querySelector("[webkitdirectory]").hidden = false')
    p.one('[webkitdirectory]').send_keys(f'{s.folder}/album')
    p.has('3 of 4 pictures of album are translated and saved')
    p.has('1 could not be translated; the first: bad.jpg')
    p.js('document.querySelector("[webkitdirectory]").hidden = true')
    p.check()
    files = p.until(lambda: p.js('return Object.keys(window.files).length === 3 && window.files'), 'three files')
    assert sorted(files) == ['a.x.png', 'b.png', 'more-c.png'], sorted(files)
    words = shlex.split(shown_command(p, 'Copy command of a folder'))
    subprocess.run([s.program, *words[1:]], cwd=s.folder, check=False, env=browser.ENV, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)  # status 1: bad.jpg
    for name, data in files.items():
        with open(f'{s.folder}/one.png', 'wb') as f:
            f.write(base64.b64decode(data))
        assert png_pixels(p, f'{s.folder}/one.png') == png_pixels(
            p, f'{s.folder}/album-translated/{name.replace("-", "/")}'), f'the command gives another {name}'


SHOTS = ''


def main():
    global SHOTS
    if not browser.DRIVER or not browser.BROWSER:
        print('1..0 # SKIP the rooms of the studio are not tested: chromium or chromedriver is not installed')
        return 77
    SHOTS = sys.argv[2] if len(sys.argv) > 2 else ''
    tests = [f for name, f in globals().items() if name.startswith('test_')]
    if len(sys.argv) > 3:
        tests = [f for f in tests if f.__name__[5:] in sys.argv[3:]]
    failed = 0
    with tempfile.TemporaryDirectory(prefix='ganymede-rooms-') as folder:
        studio = Studio(os.path.abspath(sys.argv[1]), folder)
        fixtures(studio)
        page = Page(studio)
        page.d.get(studio.address)
        page.has('Runs', '#rooms')
        print(f'1..{len(tests)}')
        try:
            for i, test in enumerate(tests):
                begun, word = time.monotonic(), 'ok'
                try:
                    test(page, studio)
                except Exception as e:  # pylint: disable=broad-except
                    word, failed = 'not ok', failed + 1
                    print(f'# {type(e).__name__}: {str(e)[:2000]}'.replace('\n', '\n# '))
                    page.d.save_screenshot(os.path.join(tempfile.gettempdir(), f'gm-{test.__name__}.png'))
                    print('# console: ' + '; '.join(e['message'] for e in page.d.get_log('browser'))[:600])
                print(f'{word} {i + 1} - {test.__doc__} # {time.monotonic() - begun:.1f} s', flush=True)
        finally:
            page.d.quit()
            studio.stop()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
