// SPDX-License-Identifier: MIT
//
// edit.js -- the room Edit: strokes of colours, edges and moved parts; candidates that satisfy them, by a
// job that starts again with every stroke. The strokes are the script of `ganymede edit`.

import {get, post, remove} from './api.js';
import {ask_crop} from './crop.js';
import {copy_button, h, number} from './dom.js';
import {ask_images, base64, command_of, draw_whole, empty, enlarge, file_button, net_of, net_selects, paint, pixels_of,
	random_slot, result_of, run_of, run_select, save_canvas, say_waiting, weights_of, weights_words} from './net.js';

const SHOWN = 512, SMALL = 96, UNDO = 100, FRAMES = 16, PHOTO_SIDE = 2048, LEAST_STARTS = 8, FRAME_MS = 33,
	PARTIAL_MS = 100; // between jobs of a stroke that is being drawn
const TOOLS = [['colour', 'Colour', 'b', 2], ['sketch', 'Sketch', 'k', 1], ['warp', 'Warp', 'w', 0], ['erase', 'Erase', 'x', 6]];
const NUMBERS = [['starts', 'Starts', 64, 1, 256, 1], ['show', 'Shown', 16, 1, 64, 1], ['iterations', 'Iterations', 40, 1, 1000, 1],
	['edge', 'Edge', 0.2, 0, 1000, 'any'], ['smooth', 'Smooth', 5, 0, 1000000, 'any'], ['realism', 'Realism', 0, 0, 1000, 'any'],
	['seed', 'Seed', 0, 0, 2 ** 53 - 1, 1], ['between', 'Between', 8, 2, 64, 1], ['frames', 'Morph frames', 16, 2, 62, 1]];
const NO_SEARCH = ['between', 'frames']; // which the search does not read

export function open(app, place) {
	const slot = random_slot(), runs = run_select(app, 'edit');
	const photo = h('canvas', {width: 32, height: 32}); // the image before the edit, at the run's size
	const original = h('canvas', {width: 32, height: 32}), after = h('canvas', {width: 32, height: 32});
	const second = h('canvas', {width: 32, height: 32});
	const view = h('canvas', {width: 32, height: 32, tabindex: '0',
		role: 'application', 'aria-label': 'Image: arrow keys move, Shift moves 8 pixels, Space paints'});
	const message = h('p', {class: 'problem', role: 'alert'}), status = h('p', {class: 'soft', role: 'status'});
	const caption = h('figcaption', {}), tools = h('div', {}), settings = h('div', {}), results = h('div', {class: 'canvases results'});
	const frames = h('input', {type: 'range', min: '0', max: String(FRAMES - 1), value: String(FRAMES - 1),
		'aria-label': 'From the image before to the edit', oninput: () => draw_view()});
	const transferred = h('div', {});
	const bar = h('progress', {max: '1', 'aria-label': 'Progress of the job', hidden: true});
	place.replaceChildren(h('div', {class: 'room-grid'},
		h('section', {class: 'card'}, runs.row, message, tools,
			h('div', {class: 'canvases'}, h('figure', {}, view, caption)), h('label', {class: 'row frames', hidden: true}, 'Frames ',
				frames, h('button', {type: 'button', onclick: () => play()}, 'Play'))),
		h('section', {class: 'card'}, settings, h('div', {class: 'job'}, bar, status), results, transferred)));
	let net = null, shown = null, strokes = [], undone = [], tool = 'colour', widths = {colour: 2, sketch: 1, erase: 6, warp: 0};
	let colour = '#2bb24c', has_photo = false, job = 0, timer = 0, images = null, chosen = 0, stroke = null, average = false;
	let drawing = 0, partial = '', starting = false, asked = 0; // the timer of a stroke; what was sent of it; jobs asked for
	let said = ''; // what the status says of the job's result when it has ended
	let source = ''; // what the image before the edit is
	let from = null, first = null, version = 0; // latents after Fix; those of the photo; of the job's result
	let cursor = {x: 0, y: 0};

	const params = () => app.route.params;
	const option = (name, usual) => params()[name] ?? String(usual);
	const before = () => has_photo || Boolean(from); // there is an image before the edit
	const options = () => Object.fromEntries(NUMBERS.filter(([name]) => !NO_SEARCH.includes(name) && (name !== 'smooth' || before()))
		.map(([name, , usual]) => [name, option(name, usual)]));
	const candidates = () => images ? images.n - images.frames : 0;

	// ---- the image -------------------------------------------------------------------------------

	function draw_view() {
		if (!net)
			return;
		const [height, w] = net.shape, g = view.getContext('2d');
		if (images?.n) {
			const frame = images.frames && Number(frames.value) < FRAMES - 1 && chosen === 0 ? candidates() + Number(frames.value) : chosen;
			paint(view, average ? average_of() : images, average ? 0 : frame);
		} else {
			Object.assign(view, {width: w, height});
			if (before())
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
	// The mean of the candidates, weighted by exp(-(cost - mean) / deviation).
	function average_of() {
		const n = candidates(), size = images.height * images.width * images.channels;
		const costs = images.about.candidates.map(c => c.cost), mean = costs.reduce((a, c) => a + c, 0) / n;
		const deviation = Math.sqrt(costs.reduce((a, c) => a + (c - mean) ** 2, 0) / n) || 1;
		const weights = costs.map(c => Math.exp(-(c - mean) / deviation)), sum = weights.reduce((a, w) => a + w, 0);
		const bytes = new Uint8Array(size);
		for (let p = 0; p < size; p++)
			bytes[p] = Math.round(weights.reduce((a, w, i) => a + w * images.bytes[i * size + p], 0) / sum);
		return {...images, bytes};
	}
	// From the image before the edit to the edit, in 800 ms.
	function play() {
		if (!images?.frames)
			return;
		chosen = 0;
		average = false;
		const begun = performance.now(), still = matchMedia('(prefers-reduced-motion: reduce)').matches;
		const step = now => {
			const t = still ? 1 : Math.min(1, (now - begun) / 800);
			frames.value = String(Math.round(t * (FRAMES - 1)));
			draw_view();
			if (t < 1 && images?.frames)
				requestAnimationFrame(step);
		};
		requestAnimationFrame(step);
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
		if (tool === 'warp' && !before()) {
			message.textContent = 'Warp moves a part of a photo: choose one first.';
			return;
		}
		stroke = tool === 'warp' ? {tool, size: widths.warp || Math.round(0.375 * Math.min(...net.shape.slice(0, 2))), from: point,
			to: point} : {tool, width: widths[tool], ...tool === 'colour' ? {colour} : {}, points: [point]};
		partial = '';
		clearInterval(drawing);
		drawing = setInterval(search_partial, PARTIAL_MS);
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
	// The search goes on while a stroke is drawn: with what there is of it, once the job before has shown something. A
	// photo's latents are those of its first job, so that it is not projected again.
	function search_partial() {
		const now = JSON.stringify(stroke), latents = from ?? first;
		if (!stroke || now === partial || (job && !version) || starting || (has_photo && !latents))
			return;
		partial = now;
		begin_job('edit', {script: {...latents ? {from: latents} : {}, strokes: [...strokes, JSON.parse(now)]}, options: options(),
			frames: 0, ...weights_of(app)}, show_results);
	}
	function give_up() {
		clearInterval(drawing);
		stroke = null;
		if (partial)
			start();
	}
	function finish() {
		if (!stroke)
			return;
		clearInterval(drawing);
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
	view.addEventListener('pointercancel', () => stroke && give_up());
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
			give_up();
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
	// No strokes, and the image before the edit is that of the photo again.
	function restart() {
		if (from && has_photo)
			show_photo();
		from = null;
		caption.textContent = source;
		clear();
	}
	function clear() {
		asked++; // a job that is asked for now, or goes on, shows nothing more
		if (job)
			remove(`jobs/${job}`).catch(() => {});
		clearTimeout(timer);
		job = 0;
		starting = false;
		bar.hidden = true;
		strokes = [];
		undone = [];
		images = null;
		average = false;
		results.replaceChildren();
		status.textContent = '';
		draw_view();
	}
	// The chosen candidate becomes the image before the edit.
	function fix() {
		if (!images || busy())
			return;
		from = images.about.candidates[chosen].z;
		paint(photo, images, chosen);
		clear();
		caption.textContent = 'the fixed candidate: strokes change it from here';
	}

	// ---- the job ---------------------------------------------------------------------------------

	const run_path = what => `runs/${encodeURIComponent(app.route.id)}/${what}`;
	const script = () => ({...from ? {from} : {}, strokes});

	async function start() {
		message.textContent = '';
		if (!strokes.length) {
			clear();
			return;
		}
		status.textContent = 'starts';
		await begin_job('edit', {script: script(), options: options(), frames: FRAMES, ...weights_of(app),
			...has_photo ? {pixels: base64(pixels_of(photo_pixels(), net.shape[2]))} : {}}, show_results);
	}
	// Of jobs that this room starts only the last one goes on.
	const busy = () => Boolean(job || starting);
	async function begin_job(what, body, show) {
		const mine = ++asked;
		const old = job;
		starting = true;
		job = 0; // so that nothing more of the old one is shown
		clearTimeout(timer);
		if (old)
			await remove(`jobs/${old}`).catch(() => {});
		try {
			const number_of = mine === asked ? (await post(run_path(what), body)).job : 0;
			if (mine !== asked) { // it is not wanted any longer
				if (number_of)
					await remove(`jobs/${number_of}`).catch(() => {});
				return;
			}
			job = number_of;
			version = 0;
			said = '';
			bar.hidden = false;
			look(job, show);
		} catch (e) {
			message.textContent = e.message;
			status.textContent = '';
		}
		if (mine === asked)
			starting = false;
	}
	async function look(which, show) {
		try {
			const state = await get(`jobs/${which}`);
			if (which !== job)
				return;
			bar.value = state.total ? state.done / state.total : 0;
			const going = state.state === 'queued' || state.state === 'running';
			const got = state.version > version ? await result_of(which, state) : null;
			if (which !== job)
				return;
			if (got) {
				version = state.version;
				said = show(got, going) ?? '';
			}
			if (going) {
				if (state.state === 'queued')
					say_waiting(status, state);
				else
					status.textContent = `step ${number(state.done)} of ${number(state.total)}`;
				timer = setTimeout(() => look(which, show), 100);
				return;
			}
			status.textContent = said;
			if (state.state !== 'done')
				message.textContent = state.message;
		} catch (e) {
			message.textContent = e.message;
			status.textContent = '';
		}
		if (which === job) {
			job = 0;
			bar.hidden = true;
			draw_actions();
		}
	}
	function choose_candidate(i) {
		chosen = i;
		average = false;
		[...results.children].forEach((b, k) => b.setAttribute('aria-pressed', String(k === i)));
		draw_view();
	}
	function show_results(got, going) {
		const {about} = got, old = results.children.length;
		images = {...got, frames: about.frames};
		if (!from && about.from && !(first && stroke))
			first = about.from;
		chosen = going && old ? Math.min(chosen, about.candidates.length - 1) : 0;
		frames.value = String(FRAMES - 1);
		if (old !== about.candidates.length) // elements stay while a job goes on, so that they keep the focus
			results.replaceChildren(...about.candidates.map((c, i) => h('button', {type: 'button', class: 'candidate quiet',
				onclick: () => choose_candidate(i)}, h('canvas', {role: 'img', 'aria-label': `Candidate ${i + 1}`}), h('span', {}))));
		about.candidates.forEach((c, i) => {
			const canvas = results.children[i].firstChild;
			paint(canvas, images, i);
			enlarge(canvas, SMALL);
			results.children[i].lastChild.textContent = number(Number(c.cost.toPrecision(3)));
			results.children[i].setAttribute('aria-pressed', String(i === chosen));
		});
		draw_view();
		if (going)
			return '';
		const ms = 1000 * about.seconds / Math.max(1, Number(options().iterations));
		const text = `${about.candidates.length} candidates, cost below each` +
			(about.candidates[0].error === null ? '' : `; colour error of the best ${number(Number(about.candidates[0].error.toPrecision(3)))}`) +
			(about.rmse === null ? '' : `; error of the photo's projection ${number(Number(about.rmse.toPrecision(3)))}`) +
			`; ${number(Number(ms.toPrecision(2)))} ms an iteration of ${number(Number(options().starts))} starts`;
		// Fewer starts for the next stroke, until an iteration takes as long as a frame.
		const starts = Number(options().starts);
		if (params().fast && ms > FRAME_MS && starts > LEAST_STARTS) {
			app.set_params({starts: String(Math.max(LEAST_STARTS, starts >> 1))});
			draw_controls();
		}
		return text;
	}

	// ---- transfer to the photo -------------------------------------------------------------------

	function transfer() {
		if (!images || !has_photo || !first || busy())
			return;
		begin_job('transfer', {height: original.height, width: original.width, pixels: base64(pixels_of(original, 3)), from: first,
			to: images.about.candidates[chosen].z, between: Number(option('between', 8)), ...weights_of(app)}, show_transferred);
	}
	function show_transferred(got) {
		const shown_after = h('canvas', {role: 'img', 'aria-label': 'The photo before and after the edit'});
		const wipe = h('input', {type: 'range', min: '0', max: '100', value: '0', 'aria-label': 'Before and after', oninput: () => draw()});
		const draw = () => {
			const {width, height} = after, x = Math.round(width * Number(wipe.value) / 100), g = shown_after.getContext('2d');
			Object.assign(shown_after, {width, height});
			g.drawImage(after, 0, 0);
			if (x)
				g.drawImage(original, 0, 0, x, height, 0, 0, x, height);
		};
		paint(after, got, 0);
		wipe.value = '0';
		draw();
		enlarge(shown_after, SHOWN);
		shown_after.style.maxWidth = '100%';
		transferred.replaceChildren(h('h3', {}, 'The photo after the edit'), shown_after, h('label', {class: 'row'}, 'After ', wipe,
			' Before'), h('div', {class: 'row'}, h('button', {type: 'button', onclick: () => save_canvas(after, 'after.png')},
			'Save photo after')));
		return `the edit at ${number(after.width)} × ${number(after.height)} pixels`;
	}

	// ---- controls --------------------------------------------------------------------------------

	// The photo at the run's size, as the command line fits it.
	let fitted = null;
	const photo_pixels = () => {
		const canvas = h('canvas', {});
		paint(canvas, fitted, 0);
		return canvas;
	};
	function show_photo() {
		paint(photo, fitted, 0);
	}
	async function use_photo(text) {
		fitted = await ask_images(run_path('fit'), {height: original.height, width: original.width,
			pixels: base64(pixels_of(original, 3))});
		source = text;
		has_photo = true;
		first = null;
		show_photo();
		transferred.replaceChildren();
		restart();
		draw_actions();
		message.textContent = '';
	}
	// A part of the photo, at the aspect of the run's images.
	async function crop() {
		const box = await ask_crop(original, net.shape[1] / net.shape[0]);
		if (!box)
			return;
		const part = original.getContext('2d').getImageData(box.x, box.y, box.width, box.height);
		Object.assign(original, {width: box.width, height: box.height});
		original.getContext('2d').putImageData(part, 0, 0);
		try {
			await use_photo(`the photo, cropped to ${box.width} × ${box.height} pixels`);
		} catch (e) {
			message.textContent = e.message;
		}
	}
	// From the photo to a second one, through images of the run.
	async function morph(file) {
		try {
			const text = await draw_whole(file, second, PHOTO_SIDE);
			const other = await ask_images(run_path('fit'), {height: second.height, width: second.width, pixels: base64(pixels_of(second, 3))});
			begin_job('morph', {pixels: base64(fitted.bytes), second: base64(other.bytes), frames: Number(option('frames', 16)),
				...weights_of(app)}, got => show_morph(got, text));
		} catch (e) {
			message.textContent = e.message;
		}
	}
	function show_morph(got, text) {
		const all = h('canvas', {role: 'img', 'aria-label': `From one photo to another, ${got.n} images`, width: got.n * got.width,
			height: got.height}), one = h('canvas', {});
		for (let i = 0; i < got.n; i++) {
			paint(one, got, i);
			all.getContext('2d').drawImage(one, i * got.width, 0);
		}
		all.style.maxWidth = '100%';
		transferred.replaceChildren(h('h3', {}, 'From one photo to another'), all, h('p', {class: 'soft'}, `The photo, ${got.n - 2} ` +
			`images, and ${text}.`),
		h('div', {class: 'row'}, h('button', {type: 'button', onclick: () => save_canvas(all, 'strip.png')}, 'Save strip'),
			h('button', {type: 'button', onclick: () => save_canvas(second, 'second.png')}, 'Save second photo'),
			copy_button('Copy command of the morph', () => command_of(app, 'morph', [run_of(app), 'photo.png', 'second.png', '--frames',
				got.n - 2, ...weights_words(app), '-o', 'morph.png']))));
		return `errors of the projections ${got.about.rmse.map(e => number(Number(e.toPrecision(3)))).join(' and ')}`;
	}
	async function take(file) {
		try {
			await use_photo(await draw_whole(file, original, PHOTO_SIDE));
		} catch (e) {
			message.textContent = e.message;
		}
	}
	async function own_sample() {
		try {
			const seed = Math.floor(Math.random() * 1e6);
			paint(original, await ask_images(run_path('draw'), {slot, seq: Date.now(), seed, ...weights_of(app)}), 0);
			await use_photo(`a sample of the run, seed ${seed}`);
		} catch (e) {
			message.textContent = e.message;
		}
	}
	function no_photo() {
		has_photo = false;
		source = 'from scribbles alone: draw where something shall be';
		from = null;
		first = null;
		transferred.replaceChildren();
		restart();
		draw_actions();
	}
	function save_script() {
		const url = URL.createObjectURL(new Blob([JSON.stringify(script())], {type: 'application/json'}));
		h('a', {href: url, download: 'strokes.json'}).click();
		setTimeout(() => URL.revokeObjectURL(url), 10000);
	}
	const applied = () => Boolean(transferred.querySelector('[aria-label="The photo before and after the edit"]'));
	const command = () => command_of(app, 'edit', [run_of(app), 'strokes.json', ...has_photo ? ['photo.png'] : [],
		...Object.entries(options()).flatMap(([k, v]) => [`--${k}`, v]), ...weights_words(app),
		...applied() && chosen ? ['--candidate', chosen + 1] : [],
		...applied() ? ['--between', option('between', 8), '--transfer', 'after.png'] : [], '-o', 'edited.png']);

	function choose(name) {
		tool = name;
		draw_controls();
	}
	// What needs candidates, and a photo.
	const morph_button = file_button('Morph with a second photo…', transferred, file => has_photo && morph(file));
	const actions = h('span', {class: 'contents'});
	function draw_actions() {
		const ready = Boolean(images?.n) && !busy();
		actions.replaceChildren(h('button', {type: 'button', disabled: !ready, onclick: fix}, 'Fix'),
			h('button', {type: 'button', disabled: !ready, 'aria-pressed': String(average), onclick: () => {
				average = !average;
				draw_view();
				draw_actions();
			}}, 'Average'),
			h('button', {type: 'button', disabled: !ready || !has_photo || !first, onclick: transfer}, 'Apply to the photo'),
			h('button', {type: 'button', disabled: !has_photo, onclick: crop}, 'Crop…'),
			...morph_button);
		morph_button[0].disabled = !has_photo;
	}
	function draw_settings() {
		runs.show_nets(net_selects(app, net, () => {
			first = null; // latents of the photo are those of one net
			start();
		}));
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
				'Own sample'), h('button', {type: 'button', onclick: no_photo}, 'Scribbles')),
			h('div', {class: 'row'}, TOOLS.map(([name, label]) => h('button', {type: 'button', 'aria-pressed': String(tool === name),
				class: tool === name ? 'primary' : '', onclick: () => choose(name)}, label)), picker, h('label', {}, 'Width', wide)),
			h('div', {class: 'row'}, h('button', {type: 'button', onclick: () => step_back(false)}, 'Undo'),
				h('button', {type: 'button', onclick: () => step_back(true)}, 'Redo'),
				h('button', {type: 'button', onclick: restart}, 'Restart'), actions));
		draw_actions();
		settings.replaceChildren(h('div', {class: 'row'}, NUMBERS.map(([name, label, usual, low, high, step]) => {
			const field = h('input', {type: 'number', class: 'short', min: low, max: high, step, onchange: () => {
				app.set_params({[name]: field.value === String(usual) ? '' : field.value});
				if (!NO_SEARCH.includes(name))
					start();
			}});
			field.value = option(name, usual);
			return h('label', {}, `${label} `, field);
		}), h('label', {}, h('input', {type: 'checkbox', checked: Boolean(params().fast), onchange: e => {
			app.set_params({fast: e.currentTarget.checked ? '1' : ''});
		}}), ' fewer starts while slow')), h('div', {class: 'row'}, copy_button('Copy link', () => location.href), copy_button('Copy command', command),
			h('button', {type: 'button', onclick: save_script}, 'Save strokes'),
			h('button', {type: 'button', onclick: () => save_canvas(original, 'photo.png')}, 'Save photo'),
			h('button', {type: 'button', onclick: () => save_canvas(view, 'edited.png')}, 'Save image')));
	}

	async function show() {
		const id = app.route.id;
		runs.draw();
		if (shown === id) { // another address of it
			if (net)
				draw_settings();
			return;
		}
		shown = id;
		net = null;
		runs.show_nets([]);
		for (const e of [tools, settings, results, transferred])
			e.replaceChildren();
		message.textContent = '';
		clear();
		if (!id) {
			settings.replaceChildren(empty('Edit', 'Choose a run that generates images, such as dcgan. A run of projection edits ' +
				'photos best.', 'ganymede train dcgan --data glyphs'));
			return;
		}
		place.firstChild.classList.add('loading');
		try {
			const got = await net_of(id);
			if (app.route.id !== id)
				return;
			if (!got.generate)
				throw new Error(`${id} is a run of ${got.model}, which does not generate images of its own.`);
			net = got;
			Object.assign(photo, {width: net.shape[1], height: net.shape[0]});
			draw_settings();
			no_photo();
		} catch (e) {
			message.textContent = e.message;
		} finally {
			place.firstChild?.classList.remove('loading');
		}
	}

	// What a job finds is of no use without its strokes.
	const leave = () => job && remove(`jobs/${job}`, '', {keepalive: true}).catch(() => {});
	window.addEventListener('pagehide', leave);
	return {
		update: show,
		close() {
			window.removeEventListener('pagehide', leave);
			leave();
			asked++;
			clearTimeout(timer);
			runs.close();
			place.replaceChildren();
		},
		keys: [...TOOLS.map(([name, label, key]) => [key, label, () => choose(name)]),
			['F', 'fixes the candidate: strokes change it from there', fix], ['P', 'plays the frames', play],
			['T', 'applies the edit to the photo', transfer], ['R', 'restarts: no strokes', restart]],
	};
}
