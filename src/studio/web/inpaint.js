// SPDX-License-Identifier: MIT
//
// inpaint.js -- the room Inpaint: a picture, a mask that is painted on it, and completions by a job.

import {get, post, remove, request} from './api.js';
import {copy_button, h, number} from './dom.js';
import {ask_images, base64, command_of, context_of, draw_file, empty, enlarge, file_button, net_of, net_selects, paint, pixels_of,
	random_slot, result_of, run_of, run_select, save_canvas, say_waiting, weights_of, weights_words} from './net.js';

const UNDO = 100, SHOWN = 256, ZOOMS = [1, 2, 4, 8];
// Hidden parts: their names here, and those of the command line.
const PRESETS = [['centre', 'middle'], ['left half', 'left'], ['random 80 %', 'random:.8'], ['pattern', 'pattern'],
	['low resolution', 'grid'], ['invert', ''], ['clear', '']];
// Options of the job: name, label, default, least, most, step.
const NUMBERS = [['starts', 'Starts', 8, 1, 64, 1], ['iterations', 'Iterations', 500, 1, 5000, 1],
	['window', 'Window', 7, 3, 31, 2], ['prior', 'Prior λ', 0.003, 0, 1, 'any'], ['ways', 'Shown', 4, 1, 16, 1],
	['seed', 'Seed', 0, 0, 2 ** 53 - 1, 1]];
const CHOICES = [['weights', 'Weights', ['window', 'all']], ['blend', 'Blend', ['poisson', 'paste']]];

export function open(app, place) {
	const slot = random_slot(), runs = run_select(app, 'inpaint');
	const picture = h('canvas', {width: 32, height: 32}); // the image without the mask, at the run's size
	const view = h('canvas', {width: 32, height: 32, tabindex: '0', role: 'application',
		'aria-label': 'Image with its hidden part: arrow keys move, Shift moves 8 pixels, Space paints, X erases'});
	const message = h('p', {class: 'problem', role: 'alert'}), status = h('p', {class: 'soft', role: 'status'});
	const source = h('figcaption', {}), results = h('div', {class: 'canvases results'});
	const bar = h('progress', {max: '1', 'aria-label': 'Progress of the job', hidden: true});
	const fill = h('button', {type: 'button', class: 'primary', onclick: () => start()}, 'Fill');
	const cancel = h('button', {type: 'button', disabled: true, onclick: () => stop()}, 'Cancel');
	const tools = h('div', {}), settings = h('div', {});
	place.replaceChildren(h('div', {class: 'room-grid'},
		h('section', {class: 'card'}, runs.row, message, tools,
			h('div', {class: 'canvases'}, h('figure', {}, h('div', {class: 'zoomed'}, view), source))),
		h('section', {class: 'card'}, settings, h('div', {class: 'row'}, fill, cancel, bar), h('div', {class: 'job'}, status),
			results)));
	let net = null, shown = null, mask = new Uint8Array(0), undo = [], redo = [], tool = 'brush', width = 4, job = 0, timer = 0, version = 0;
	let cursor = {x: 0, y: 0};

	const params = () => app.route.params;
	const option = (name, usual) => params()[name] ?? String(usual);
	const zoom = () => ZOOMS.includes(Number(params().zoom)) ? Number(params().zoom) : 1;
	const size = () => ({h: net.shape[0], w: net.shape[1], c: net.shape[2]});

	// ---- the mask --------------------------------------------------------------------------------

	function draw_view() {
		if (!net)
			return;
		const {h: height, w} = size(), g = context_of(view);
		if (view.width !== w || view.height !== height)
			Object.assign(view, {width: w, height});
		g.drawImage(picture, 0, 0);
		const data = g.getImageData(0, 0, w, height);
		for (let p = 0; p < w * height; p++)
			if (mask[p])
				for (let c = 0; c < 3; c++)
					data.data[4 * p + c] = (data.data[4 * p + c] + 3 * [36, 98, 200][c]) / 4;
		g.putImageData(data, 0, 0);
		if (document.activeElement === view) {
			g.fillStyle = '#cc1154';
			g.fillRect(cursor.x, cursor.y, 1, 1);
		}
		enlarge(view, SHOWN * zoom());
		const hidden = mask.reduce((a, v) => a + (v ? 1 : 0), 0);
		source.textContent = `${source.dataset.text ?? ''} — ${number(hidden)} of ${number(w * height)} pixels hidden${
			hidden === w * height ? ': leave a part visible' : hidden ? '' : ': hide a part'}`;
		fill.disabled = !hidden || hidden === w * height || Boolean(job);
	}

	function keep() {
		undo.push(mask.slice());
		undo = undo.slice(-UNDO);
		redo = [];
	}
	function back(from, to) {
		if (!from.length)
			return;
		to.push(mask);
		mask = from.pop();
		draw_view();
	}

	// A disc of the tool's width around a pixel.
	function dab(x, y, value) {
		const {h: height, w} = size(), r = width / 2;
		for (let i = Math.max(0, Math.ceil(y - r)); i <= Math.min(height - 1, y + r); i++)
			for (let j = Math.max(0, Math.ceil(x - r)); j <= Math.min(w - 1, x + r); j++)
				if ((i - y) ** 2 + (j - x) ** 2 <= r * r)
					mask[i * w + j] = value;
	}
	function line(a, b, value) {
		const n = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y)));
		for (let k = 0; k <= n; k++)
			dab(Math.round(a.x + (b.x - a.x) * k / n), Math.round(a.y + (b.y - a.y) * k / n), value);
	}
	function rectangle(a, b) {
		const {w} = size();
		for (let i = Math.min(a.y, b.y); i <= Math.max(a.y, b.y); i++)
			mask.fill(255, i * w + Math.min(a.x, b.x), i * w + Math.max(a.x, b.x) + 1);
	}
	const at = e => {
		const box = view.getBoundingClientRect(), {h: height, w} = size();
		return {x: Math.max(0, Math.min(w - 1, Math.floor((e.clientX - box.left) / box.width * w))),
			y: Math.max(0, Math.min(height - 1, Math.floor((e.clientY - box.top) / box.height * height)))};
	};
	// The larger view moves by the middle button, two fingers, or Ctrl and arrow keys.
	const pan = (x, y) => view.parentElement.scrollBy(x, y);
	const fingers = new Map();
	let stroke = null;
	view.addEventListener('pointerdown', e => {
		if (!net || e.button > 1)
			return;
		view.setPointerCapture(e.pointerId);
		fingers.set(e.pointerId, e);
		if (e.button === 1 || fingers.size > 1) {
			e.preventDefault();
			if (stroke) { // that of the first finger
				mask = undo.pop();
				draw_view();
			}
			stroke = null;
			return;
		}
		keep();
		stroke = {from: at(e), last: at(e)};
		move(e);
	});
	function move(e) {
		if (!stroke)
			return;
		const now = at(e);
		if (tool === 'rectangle') {
			mask = undo[undo.length - 1].slice();
			rectangle(stroke.from, now);
		} else {
			line(stroke.last, now, tool === 'brush' ? 255 : 0);
		}
		stroke.last = now;
		draw_view();
	}
	view.addEventListener('pointermove', e => {
		const last = fingers.get(e.pointerId);
		if (last && !stroke)
			pan((last.clientX - e.clientX) / fingers.size, (last.clientY - e.clientY) / fingers.size);
		if (last)
			fingers.set(e.pointerId, e);
		move(e);
	});
	for (const name of ['pointerup', 'pointercancel'])
		view.addEventListener(name, e => {
			fingers.delete(e.pointerId);
			stroke = null;
		});
	view.addEventListener('focus', draw_view);
	view.addEventListener('blur', draw_view);
	view.addEventListener('keydown', e => {
		const step = e.shiftKey ? 8 : 1, by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step],
			ArrowDown: [0, step]}[e.key];
		if (!net)
			return;
		const {h: height, w} = size();
		if (by && e.ctrlKey) {
			pan(32 * by[0], 32 * by[1]);
		} else if (by) {
			cursor = {x: Math.max(0, Math.min(w - 1, cursor.x + by[0])), y: Math.max(0, Math.min(height - 1, cursor.y + by[1]))};
		} else if (e.key === ' ' || e.key === 'x') {
			keep();
			dab(cursor.x, cursor.y, e.key === ' ' ? 255 : 0);
		} else if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'z') {
			back(e.shiftKey ? redo : undo, e.shiftKey ? undo : redo);
		} else {
			return;
		}
		e.preventDefault();
		e.stopPropagation();
		draw_view();
	});

	async function preset(name, part) {
		keep();
		if (!part) {
			mask = name === 'invert' ? mask.map(v => v ? 0 : 255) : new Uint8Array(mask.length);
		} else {
			try {
				const id = app.route.id, got = await ask_images(`runs/${encodeURIComponent(id)}/mask`, {name: part,
					seed: Number(option('seed', 0))});
				if (id === app.route.id)
					mask = got.bytes;
			} catch (e) {
				message.textContent = e.message;
			}
		}
		draw_view();
	}
	function zoom_by(n) {
		app.set_params({zoom: String(ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, ZOOMS.indexOf(zoom()) + n))])});
		draw_view();
	}

	// ---- the picture -----------------------------------------------------------------------------

	async function take(file) {
		try {
			no_address();
			source.dataset.text = await draw_file(file, picture, size().w, size().h, 'crop');
			message.textContent = '';
			draw_view();
		} catch (e) {
			message.textContent = e.message;
		}
	}
	async function own_sample() {
		try {
			no_address();
			const seed = Math.floor(Math.random() * 1e6);
			paint(picture, await ask_images(`runs/${encodeURIComponent(app.route.id)}/draw`, {slot, seq: Date.now(), seed,
				...weights_of(app)}), 0);
			source.dataset.text = `a sample of the run, seed ${seed}`;
			draw_view();
		} catch (e) {
			message.textContent = e.message;
		}
	}
	async function test_picture(n) {
		try {
			const id = app.route.id, got = await ask_images(`runs/${encodeURIComponent(id)}/example`, {number: n});
			if (id !== app.route.id)
				return;
			paint(picture, got, 0);
			source.dataset.text = `picture ${number(n)} of the run's data, ${got.from}`;
			message.textContent = '';
			draw_view();
		} catch (e) {
			message.textContent = e.message;
		}
	}
	const test = h('input', {type: 'number', class: 'short', min: 0, step: 1, placeholder: '0',
		'aria-label': 'Number of a test picture', onchange: () => {
			const n = test.value === '' ? '' : String(Math.max(0, Math.floor(Number(test.value) || 0)));
			no_address();
			app.set_params({test: n});
			test.value = n;
			if (n)
				test_picture(Number(n));
		}});
	// The picture is not that of the address any longer.
	const no_address = () => {
		test.value = '';
		app.set_params({test: '', ...job ? {} : {job: ''}});
	};
	const mask_canvas = () => {
		const {h: height, w} = size(), canvas = h('canvas', {width: w, height});
		paint(canvas, {height, width: w, channels: 1, bytes: mask}, 0);
		return canvas;
	};

	// ---- the job ---------------------------------------------------------------------------------

	const options = () => Object.fromEntries([...NUMBERS.map(([name, , usual]) => [name, option(name, usual)]),
		...CHOICES.map(([name, , words]) => [name, option(name, words[0])])]);

	async function start() {
		message.textContent = '';
		try {
			job = (await post(`runs/${encodeURIComponent(app.route.id)}/inpaint`, {pixels: base64(pixels_of(picture, size().c)),
				mask: base64(mask), options: options(), ...weights_of(app)})).job;
			app.set_params({job: String(job)});
			watch();
		} catch (e) {
			message.textContent = [e.message, e.hint].filter(t => t).join(' ');
		}
	}
	function watch() {
		version = 0;
		fill.disabled = true;
		cancel.disabled = false;
		bar.hidden = false;
		look(job);
	}
	// The job of the address, which went on without this page, with its picture and its hidden part.
	async function come_back() {
		const id = app.route.id, which = Math.floor(Number(params().job)) || 0, state = await get(`jobs/${which}`).catch(() => null);
		if (id !== app.route.id || which === job)
			return;
		if (state?.kind !== 'inpaint' || state.run !== id) {
			message.textContent = `There is no job ${which} of this run any longer: fill in again.`;
			app.set_params({job: ''});
			return;
		}
		const {h: height, w, c} = size();
		const bytes = new Uint8Array(await (await request('GET', `jobs/${which}/input`)).arrayBuffer());
		if (id !== app.route.id)
			return;
		paint(picture, {height, width: w, channels: c, bytes}, 0);
		mask = bytes.slice(height * w * c);
		source.dataset.text = 'the picture that was filled in';
		draw_view();
		job = which;
		watch();
	}
	async function look(mine) {
		timer = 0;
		try {
			const state = await get(`jobs/${mine}`);
			if (mine !== job)
				return;
			bar.value = state.total ? state.done / state.total : 0;
			const got = state.version > version ? await result_of(mine, state) : null;
			if (mine !== job)
				return;
			if (got) {
				version = state.version;
				show_results(got);
			}
			if (state.state === 'queued' || state.state === 'running') {
				if (state.state === 'queued')
					say_waiting(status, state);
				else
					status.textContent = `iteration ${number(state.done)} of ${number(state.total)}`;
				timer = setTimeout(() => look(mine), 250);
				return;
			}
			status.textContent = state.state === 'done' ? `${state.about.ways.length} completion${state.about.ways.length === 1 ? '' :
				's'}, the one with the least context loss first` : state.state === 'cancelled' && version ?
				'cancelled: the best completions so far' : state.message;
		} catch (e) {
			if (mine !== job)
				return;
			message.textContent = e.message;
			status.textContent = '';
		}
		leave();
		draw_view();
	}
	// Looks at no job any longer; one that goes on does so.
	function leave() {
		clearTimeout(timer);
		job = 0;
		cancel.disabled = true;
		bar.hidden = true;
	}
	async function stop() {
		await remove(`jobs/${job}`).catch(e => {
			message.textContent = e.message;
		});
	}
	// Elements stay while a job goes on, so that they keep the focus.
	function show_results(got) {
		const {ways} = got.about;
		if (results.children.length !== ways.length)
			results.replaceChildren(...ways.map((way, i) => {
				const canvas = h('canvas', {role: 'img', 'aria-label': `Completion ${i + 1}`});
				return h('figure', {}, canvas, h('figcaption', {}, h('span', {}), ' ', h('button', {type: 'button', class: 'quiet',
					'aria-label': `Save completion ${i + 1}`, onclick: () => save_canvas(canvas, `completed-${i + 1}.png`)}, 'Save')));
			}));
		ways.forEach((way, i) => {
			const figure = results.children[i], canvas = figure.querySelector('canvas');
			paint(canvas, got, i);
			enlarge(canvas, i ? SHOWN / 2 : SHOWN);
			figure.querySelector('span').textContent = `${way.context === null ? `way ${i + 1}` :
				`context loss ${number(Number(way.context.toPrecision(4)))}`}, hidden part ${way.psnr.toFixed(2)} dB, L1 ${
				(100 * way.l1).toFixed(2)} %${way.seam === null ? '' : `, seam ${(100 * way.seam).toFixed(2)} % (picture: ${
				(100 * got.about.seam).toFixed(2)} %)`}`;
		});
	}

	const command = () => command_of(app, 'inpaint', [run_of(app), 'input.png', '--mask', 'mask.png',
		...Object.entries(options()).flatMap(([k, v]) => [`--${k}`, v]), ...weights_words(app), '-o', 'completed']);

	// ---- controls --------------------------------------------------------------------------------

	function draw_settings() {
		runs.show_nets(net_selects(app, net, () => {}));
		draw_controls();
		draw_view();
	}
	// Shows the picture that the address names; false if it names none.
	async function picture_of_address() {
		if (params().job)
			await come_back();
		if (!params().job && params().test)
			await test_picture(Math.max(0, Math.floor(Number(params().test) || 0)));
		return Boolean(params().job || params().test);
	}
	function draw_controls() {
		const semantic = !net.complete;
		test.value = params().test ?? '';
		const modes = ['brush', 'erase', 'rectangle'].map(name => h('button', {type: 'button', 'aria-pressed': String(tool === name),
			class: tool === name ? 'primary' : '', onclick: () => {
				tool = name;
				draw_controls();
			}}, name[0].toUpperCase() + name.slice(1)));
		const wide = h('input', {type: 'range', min: '1', max: '32', value: String(width), 'aria-label': 'Width of the brush',
			oninput: () => {
				width = Number(wide.value);
			}});
		wide.value = String(width);
		tools.replaceChildren(
			h('div', {class: 'row'}, file_button('Choose a picture…', view, take),
				net.generate ? h('button', {type: 'button', onclick: own_sample}, 'Own sample') : '', h('label', {}, 'Test picture ', test),
				h('label', {}, 'Zoom ', h('button', {type: 'button', 'aria-label': 'Smaller', onclick: () => zoom_by(-1)}, '−'),
					h('button', {type: 'button', 'aria-label': 'Larger', onclick: () => zoom_by(1)}, '+'))),
			h('div', {class: 'row'}, modes, h('label', {}, 'Width', wide)),
			h('div', {class: 'row'}, PRESETS.map(([name, part]) => h('button', {type: 'button', onclick: () => preset(name, part)}, name)),
			h('button', {type: 'button', onclick: () => back(undo, redo)}, 'Undo'),
			h('button', {type: 'button', onclick: () => back(redo, undo)}, 'Redo')));
		settings.replaceChildren(h('p', {class: 'soft'}, semantic ?
			'Semantic inpainting: the latents of the generator are searched for an image that agrees with the visible pixels.' :
			'This run was trained to fill in images.'),
		h('div', {class: 'row'}, NUMBERS.filter(([name]) => semantic || name === 'ways' || name === 'seed')
			.map(([name, label, usual, low, high, step]) => {
				const field = h('input', {type: 'number', class: 'short', min: low, max: high, step, value: option(name, usual),
					onchange: () => app.set_params({[name]: field.value === String(usual) ? '' : field.value})});
				field.value = option(name, usual);
				return h('label', {}, `${label} `, field);
			}),
		semantic ? CHOICES.map(([name, label, words]) => {
			const select = h('select', {onchange: () => app.set_params({[name]: select.value === words[0] ? '' : select.value})},
				words.map(w => h('option', {value: w}, w)));
			select.value = option(name, words[0]);
			return h('label', {}, `${label} `, select);
		}) : ''),
		h('div', {class: 'row'}, copy_button('Copy link', () => location.href), copy_button('Copy command', command),
			h('button', {type: 'button', onclick: () => save_canvas(picture, 'input.png')}, 'Save input'),
			h('button', {type: 'button', onclick: () => save_canvas(mask_canvas(), 'mask.png')}, 'Save mask')));
	}

	async function show() {
		const id = app.route.id;
		runs.draw();
		if (shown === id) { // another address of it
			if (net) {
				draw_settings();
				picture_of_address();
			}
			return;
		}
		shown = id;
		net = null;
		runs.show_nets([]);
		for (const e of [tools, settings, results])
			e.replaceChildren();
		message.textContent = '';
		status.textContent = '';
		leave();
		fill.disabled = true;
		if (!id) {
			settings.replaceChildren(empty('Inpaint', 'Choose a run that generates images (such as dcgan) or fills in images (such ' +
				'as context-encoder).', 'ganymede train dcgan --data glyphs'));
			return;
		}
		place.firstChild.classList.add('loading');
		try {
			const got = await net_of(id);
			if (app.route.id !== id)
				return;
			if (!got.complete && !got.generate)
				throw new Error(`${id} is a run of ${got.model}, which neither generates nor fills in images.`);
			net = got;
			const {h: height, w} = size();
			Object.assign(picture, {width: w, height});
			mask = new Uint8Array(w * height);
			undo = [];
			redo = [];
			source.dataset.text = 'no picture yet';
			draw_settings();
			await preset('centre', 'middle');
			if (!await picture_of_address() && net.generate)
				await own_sample();
		} catch (e) {
			message.textContent = e.message;
		} finally {
			place.firstChild?.classList.remove('loading');
		}
	}

	return {
		update: show,
		close() {
			leave();
			runs.close();
			place.replaceChildren();
		},
		keys: [['b', 'the brush', () => {
			tool = 'brush';
			draw_controls();
		}], ['x', 'the eraser', () => {
			tool = 'erase';
			draw_controls();
		}], ['m', 'the rectangle', () => {
			tool = 'rectangle';
			draw_controls();
		}], ['v', 'inverts the hidden part', () => preset('invert', '')],
		['+', 'a larger view', () => zoom_by(1)], ['-', 'a smaller view', () => zoom_by(-1)]],
	};
}
