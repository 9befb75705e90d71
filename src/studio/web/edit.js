// SPDX-License-Identifier: MIT
//
// edit.js -- the room Edit: strokes of colours, edges and moved parts; candidates that satisfy them, by a
// job that starts again with every stroke. The strokes are the script of `ganymede edit`.

import {get, post, remove, request} from './api.js';
import {copy_button, h, number} from './dom.js';
import {ask_images, base64, command_of, draw_file, empty, enlarge, file_button, net_of, paint, pixels_of, random_slot,
	run_select, save_canvas} from './net.js';

const SHOWN = 512, SMALL = 96, UNDO = 100, FRAMES = 16;
const TOOLS = [['colour', 'Colour', 'b', 2], ['sketch', 'Sketch', 'k', 1], ['warp', 'Warp', 'w', 0], ['erase', 'Erase', 'x', 6]];
const NUMBERS = [['starts', 'Starts', 64, 1, 256, 1], ['show', 'Shown', 16, 1, 64, 1], ['iterations', 'Iterations', 40, 1, 1000, 1],
	['edge', 'Edge', 0.2, 0, 1000, 'any'], ['smooth', 'Smooth', 5, 0, 1000000, 'any'], ['realism', 'Realism', 0, 0, 1000, 'any'],
	['seed', 'Seed', 0, 0, 2 ** 53 - 1, 1]];

export function open(app, place) {
	const slot = random_slot(), runs = run_select(app, 'edit');
	const photo = h('canvas', {width: 32, height: 32}), view = h('canvas', {width: 32, height: 32, tabindex: '0',
		role: 'application', 'aria-label': 'Image: arrow keys move, Shift moves 8 pixels, Space paints'});
	const message = h('p', {class: 'problem', role: 'alert'}), status = h('p', {class: 'soft', role: 'status'});
	const caption = h('figcaption', {}), tools = h('div', {}), settings = h('div', {}), results = h('div', {class: 'canvases results'});
	const frames = h('input', {type: 'range', min: '0', max: String(FRAMES - 1), value: String(FRAMES - 1),
		'aria-label': 'From the photo to the edit', oninput: () => draw_view()});
	const bar = h('progress', {max: '1', 'aria-label': 'Progress of the job', hidden: true});
	place.replaceChildren(h('div', {class: 'room-grid'},
		h('section', {class: 'card'}, h('div', {class: 'row'}, runs.select), message, tools,
			h('div', {class: 'canvases'}, h('figure', {}, view, caption)), h('label', {class: 'row frames', hidden: true}, 'Frames ',
				frames)),
		h('section', {class: 'card'}, settings, h('div', {class: 'job'}, bar, status), results)));
	let net = null, shown = null, strokes = [], undone = [], tool = 'colour', widths = {colour: 2, sketch: 1, erase: 6, warp: 0};
	let colour = '#2bb24c', has_photo = false, job = 0, timer = 0, images = null, chosen = 0, stroke = null;
	let cursor = {x: 0, y: 0};

	const params = () => app.route.params;
	const option = (name, usual) => params()[name] ?? String(usual);
	const options = () => Object.fromEntries(NUMBERS.map(([name, , usual]) => [name, option(name, usual)]));
	const candidates = () => images ? images.n - images.frames : 0;

	// ---- the image -------------------------------------------------------------------------------

	function draw_view() {
		if (!net)
			return;
		const [height, w] = net.shape, g = view.getContext('2d');
		if (images?.n) {
			const frame = images.frames && Number(frames.value) < FRAMES - 1 && chosen === 0 ? candidates() + Number(frames.value) : chosen;
			paint(view, images, frame);
		} else {
			Object.assign(view, {width: w, height});
			if (has_photo)
				g.drawImage(photo, 0, 0);
			else { // grey, which is no colour of a stroke's default
				g.fillStyle = '#808080';
				g.fillRect(0, 0, w, height);
			}
		}
		g.lineCap = 'round';
		for (const s of stroke ? [stroke] : images ? [] : strokes)
			draw_stroke(g, s);
		if (document.activeElement === view) {
			g.fillStyle = '#cc1154';
			g.fillRect(cursor.x, cursor.y, 1, 1);
		}
		enlarge(view, SHOWN);
		place.querySelector('.frames').hidden = !images?.frames;
	}
	function draw_stroke(g, s) {
		if (s.tool === 'warp') {
			g.strokeStyle = '#2462c8';
			g.lineWidth = 1;
			g.strokeRect(s.to[0] - s.size / 2, s.to[1] - s.size / 2, s.size, s.size);
			return;
		}
		g.strokeStyle = g.fillStyle = s.tool === 'colour' ? s.colour : s.tool === 'sketch' ? '#fff' : '#888';
		g.lineWidth = s.width;
		g.beginPath();
		g.moveTo(s.points[0][0] + 0.5, s.points[0][1] + 0.5);
		for (const [x, y] of s.points.length > 1 ? s.points : [...s.points, s.points[0]])
			g.lineTo(x + 0.5, y + 0.5);
		g.stroke();
	}

	// ---- strokes ---------------------------------------------------------------------------------

	const at = e => {
		const box = view.getBoundingClientRect(), [height, w] = net.shape;
		return [Math.max(0, Math.min(w - 1, Math.floor((e.clientX - box.left) / box.width * w))),
			Math.max(0, Math.min(height - 1, Math.floor((e.clientY - box.top) / box.height * height)))];
	};
	function begin(point) {
		if (tool === 'warp' && !has_photo) {
			message.textContent = 'Warp moves a part of a photo: choose one first.';
			return;
		}
		stroke = tool === 'warp' ? {tool, size: widths.warp || Math.round(0.375 * Math.min(...net.shape.slice(0, 2))), from: point,
			to: point} : {tool, width: widths[tool], ...tool === 'colour' ? {colour} : {}, points: [point]};
		draw_view();
	}
	function go_on(point) {
		if (!stroke)
			return;
		if (stroke.tool === 'warp') {
			stroke.to = point;
		} else {
			const last = stroke.points[stroke.points.length - 1];
			if ((last[0] !== point[0] || last[1] !== point[1]) && stroke.points.length < 4096)
				stroke.points.push(point);
		}
		draw_view();
	}
	function finish() {
		if (!stroke)
			return;
		strokes = [...strokes, stroke].slice(-UNDO);
		undone = [];
		stroke = null;
		start();
	}
	view.addEventListener('pointerdown', e => {
		if (!net || e.button)
			return;
		view.setPointerCapture(e.pointerId);
		begin(at(e));
	});
	view.addEventListener('pointermove', e => stroke && go_on(at(e)));
	view.addEventListener('pointerup', finish);
	view.addEventListener('focus', draw_view);
	view.addEventListener('blur', draw_view);
	view.addEventListener('keydown', e => {
		const step = e.shiftKey ? 8 : 1, by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step],
			ArrowDown: [0, step]}[e.key];
		if (!net)
			return;
		const [height, w] = net.shape;
		if (by) {
			cursor = {x: Math.max(0, Math.min(w - 1, cursor.x + by[0])), y: Math.max(0, Math.min(height - 1, cursor.y + by[1]))};
			go_on([cursor.x, cursor.y]);
		} else if (e.key === ' ' && !stroke) { // pen down, and up again
			begin([cursor.x, cursor.y]);
		} else if (e.key === ' ') {
			finish();
		} else if (e.key === 'Escape' && stroke) {
			stroke = null;
		} else if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'z') {
			step_back(e.shiftKey);
		} else {
			return;
		}
		e.preventDefault();
		e.stopPropagation();
		draw_view();
	});
	function step_back(again) {
		if (again && undone.length)
			strokes = [...strokes, undone.pop()];
		else if (!again && strokes.length)
			undone.push(strokes.pop());
		else
			return;
		start();
	}
	function restart() {
		strokes = [];
		undone = [];
		images = null;
		results.replaceChildren();
		status.textContent = '';
		draw_view();
	}

	// ---- the job ---------------------------------------------------------------------------------

	async function start() {
		message.textContent = '';
		if (!strokes.length) {
			restart();
			return;
		}
		if (job)
			await remove(`jobs/${job}`).catch(() => {});
		clearTimeout(timer);
		try {
			job = (await post(`runs/${encodeURIComponent(app.route.id)}/edit`, {script: {strokes}, options: options(), frames: FRAMES,
				...has_photo ? {pixels: base64(pixels_of(photo, net.shape[2]))} : {}})).job;
			bar.hidden = false;
			look(job);
		} catch (e) {
			message.textContent = e.message;
		}
	}
	async function look(which) {
		try {
			const state = await get(`jobs/${which}`);
			if (which !== job)
				return;
			bar.value = state.total ? state.done / state.total : 0;
			if (state.state === 'queued' || state.state === 'running') {
				status.textContent = state.state === 'queued' ? 'waits for another job' :
					`step ${number(state.done)} of ${number(state.total)}`;
				timer = setTimeout(() => look(which), 100);
				return;
			}
			if (state.state === 'done')
				await show_results(state.about, which);
			else
				message.textContent = state.message;
		} catch (e) {
			message.textContent = e.message;
		}
		if (which === job) {
			job = 0;
			bar.hidden = true;
		}
	}
	async function show_results(about, which) {
		const [n, height, width, channels] = about.shape;
		const bytes = new Uint8Array(await (await request('GET', `jobs/${which}/result`)).arrayBuffer());
		images = {n, height, width, channels, bytes, frames: about.frames};
		chosen = 0;
		frames.value = String(FRAMES - 1);
		results.replaceChildren(...about.candidates.map((c, i) => {
			const canvas = h('canvas', {role: 'img', 'aria-label': `Candidate ${i + 1}`});
			paint(canvas, images, i);
			enlarge(canvas, SMALL);
			return h('button', {type: 'button', class: 'candidate quiet', 'aria-pressed': String(i === chosen), onclick: e => {
				chosen = i;
				for (const b of results.children)
					b.setAttribute('aria-pressed', String(b === e.currentTarget));
				draw_view();
			}}, canvas, h('span', {}, number(Number(c.cost.toPrecision(3)))));
		}));
		status.textContent = `${about.candidates.length} candidates, cost below each` +
			(about.candidates[0].error === null ? '' : `; colour error of the best ${number(Number(about.candidates[0].error.toPrecision(3)))}`) +
			(about.rmse === null ? '' : `; error of the photo's projection ${number(Number(about.rmse.toPrecision(3)))}`);
		draw_view();
	}

	// ---- controls --------------------------------------------------------------------------------

	async function take(file) {
		try {
			caption.textContent = await draw_file(file, photo, net.shape[1], net.shape[0], 'crop');
			has_photo = true;
			restart();
			message.textContent = '';
		} catch (e) {
			message.textContent = e.message;
		}
	}
	async function own_sample() {
		try {
			const seed = Math.floor(Math.random() * 1e6);
			paint(photo, await ask_images(`runs/${encodeURIComponent(app.route.id)}/draw`, {slot, seq: Date.now(), seed}), 0);
			caption.textContent = `a sample of the run, seed ${seed}`;
			has_photo = true;
			restart();
		} catch (e) {
			message.textContent = e.message;
		}
	}
	const script = () => JSON.stringify({strokes});
	function save_script() {
		const url = URL.createObjectURL(new Blob([script()], {type: 'application/json'}));
		h('a', {href: url, download: 'strokes.json'}).click();
		setTimeout(() => URL.revokeObjectURL(url), 10000);
	}
	const command = () => command_of(app, 'edit', [app.route.id, 'strokes.json', ...has_photo ? ['photo.png'] : [],
		...Object.entries(options()).flatMap(([k, v]) => [`--${k}`, v]), '-o', 'edited.png']);

	function choose(name) {
		tool = name;
		draw_controls();
	}
	function draw_controls() {
		const wide = h('input', {type: 'range', min: '1', max: tool === 'warp' ? String(Math.min(...net.shape.slice(0, 2)) - 1) : '32',
			'aria-label': 'Width', oninput: () => {
				widths[tool] = Number(wide.value);
			}});
		wide.value = String(widths[tool] || Math.round(0.375 * Math.min(...net.shape.slice(0, 2))));
		const picker = h('input', {type: 'color', value: colour, 'aria-label': 'Colour of the brush', oninput: () => {
			colour = picker.value;
		}});
		picker.value = colour;
		tools.replaceChildren(
			h('div', {class: 'row'}, file_button('Choose a photo…', view, take), h('button', {type: 'button', onclick: own_sample},
				'Own sample'), h('button', {type: 'button', onclick: () => {
				has_photo = false;
				caption.textContent = 'from scribbles alone: draw where something shall be';
				restart();
			}}, 'Scribbles')),
			h('div', {class: 'row'}, TOOLS.map(([name, label]) => h('button', {type: 'button', 'aria-pressed': String(tool === name),
				class: tool === name ? 'primary' : '', onclick: () => choose(name)}, label)), picker, h('label', {}, 'Width', wide)),
			h('div', {class: 'row'}, h('button', {type: 'button', onclick: () => step_back(false)}, 'Undo'),
				h('button', {type: 'button', onclick: () => step_back(true)}, 'Redo'),
				h('button', {type: 'button', onclick: restart}, 'Restart')));
		settings.replaceChildren(h('div', {class: 'row'}, NUMBERS.map(([name, label, usual, low, high, step]) => {
			const field = h('input', {type: 'number', class: 'short', min: low, max: high, step, onchange: () => {
				app.set_params({[name]: field.value === String(usual) ? '' : field.value});
				start();
			}});
			field.value = option(name, usual);
			return h('label', {}, `${label} `, field);
		})), h('div', {class: 'row'}, copy_button('Copy link', () => location.href), copy_button('Copy command', command),
			h('button', {type: 'button', onclick: save_script}, 'Save strokes'),
			h('button', {type: 'button', onclick: () => save_canvas(photo, 'photo.png')}, 'Save photo'),
			h('button', {type: 'button', onclick: () => save_canvas(view, 'edited.png')}, 'Save image')));
	}

	async function show() {
		const id = app.route.id;
		runs.draw();
		if (shown === id)
			return;
		shown = id;
		net = null;
		for (const e of [tools, settings, results])
			e.replaceChildren();
		message.textContent = '';
		if (!id) {
			settings.replaceChildren(empty('Edit', 'Choose a run that generates images, such as dcgan. A run of projection edits ' +
				'photos best.', 'ganymede train dcgan --data glyphs'));
			return;
		}
		try {
			const got = await net_of(id);
			if (app.route.id !== id)
				return;
			if (!got.generate)
				throw new Error(`${id} is a run of ${got.model}, which does not generate images of its own.`);
			net = got;
			Object.assign(photo, {width: net.shape[1], height: net.shape[0]});
			has_photo = false;
			caption.textContent = 'from scribbles alone: draw where something shall be';
			restart();
			draw_controls();
		} catch (e) {
			message.textContent = e.message;
		}
	}

	return {
		update: show,
		close() {
			clearTimeout(timer);
			runs.close();
			place.replaceChildren();
		},
		keys: [...TOOLS.map(([name, label, key]) => [key, label, () => choose(name)]),
			['R', 'restarts: no strokes', restart]],
	};
}
