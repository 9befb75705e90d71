// SPDX-License-Identifier: MIT
//
// latents.js -- the room Latents: samples of a run by seed, class, caption, codes, principal directions and psi.
// Every change draws at once: one request is in flight, the newest one waits (api.js, newest).

import {get, newest, post, request} from './api.js';
import {copy_button, h, number} from './dom.js';
import {ask_images, base64, command_of, empty, enlarge, net_of, net_selects, paint, parse, pixels_of, random_slot,
	result_of, run_of, run_select, save_blob, save_canvas, say_waiting,
	unparse, unread, weights_of, weights_words} from './net.js';

const COUNTS = [1, 4, 9, 16];
const BOUND = {normal: 3, uniform: 1};
const FEW = 4, USUAL = 16, MANY = 64; // directions
const SHELF = 9, SMALL = 64, STRIP = 16, NEAREST = 5, PER_PIXEL = 0.01; // multiples of a direction for each pixel of a drag

export function open(app, place) {
	const slot = random_slot(), runs = run_select(app, 'latents');
	let net = null, shown = null, seq = 0, skipped = 0, asked = 0, shares = [], shelf = [], strip = null, job = 0;
	const message = h('p', {class: 'problem', role: 'alert'}), status = h('p', {class: 'soft', role: 'status'});
	const shelf_place = h('div', {class: 'row'}), strip_place = h('div', {class: 'row'}), nearest_place = h('div', {class: 'row'});
	const below = h('div', {});
	const pictures = h('div', {class: 'latent-pictures'}), controls = h('div', {class: 'card latent-controls'});
	place.replaceChildren(h('div', {class: 'room-grid'},
		h('section', {class: 'card'}, runs.row, message, pictures, status, below), controls));

	const params = () => app.route.params;
	const run_path = what => `runs/${encodeURIComponent(app.route.id)}/${what}`;
	const seed = () => Math.min(2 ** 53 - 1, Math.max(0, Math.floor(Number(params().seed) || 0)));
	const count = () => COUNTS.includes(Number(params().n)) ? Number(params().n) : 1;
	const psi = () => params().psi === undefined ? 1 : Math.max(0, Math.min(2, Number(params().psi) || 0));

	const caption = () => net?.caption ? params().caption ?? '' : '';
	const directions = () => Math.max(FEW, Math.min(MANY, Math.floor(Number(params().directions) || USUAL)));

	function set(change) {
		asked = performance.now();
		app.set_params(change);
		refresh();
	}

	// ---- drawing ---------------------------------------------------------------------------------

	const ask = newest(async begun => {
		const p = params();
		const images = await ask_images(run_path('draw'), {slot, seq: ++seq, count: count(), ...weights_of(app), directions: directions(),
			...p.mix ? {mix: p.mix} : {seed: seed(), class: p.class === undefined ? -1 : Number(p.class), ...caption() ?
				{caption: caption()} : {psi: psi(), codes: p.codes ?? '', along: p.along ?? ''}}});
		return {images, begun};
	});

	async function draw() {
		try {
			const got = await ask(asked);
			if (!got) { // a newer one took its place
				skipped++;
				return;
			}
			while (pictures.children.length > got.images.n)
				pictures.lastChild.remove();
			while (pictures.children.length < got.images.n)
				pictures.append(h('canvas', {role: 'img'}));
			[...pictures.children].forEach((canvas, i) => {
				paint(canvas, got.images, i);
				canvas.setAttribute('aria-label', `Sample ${i} of seed ${seed()}`);
				enlarge(canvas, got.images.n > 1 ? 384 / Math.sqrt(got.images.n) : 384);
			});
			message.textContent = '';
			pictures.classList.remove('dimmed');
			requestAnimationFrame(() => {
				const end = performance.now();
				performance.measure('gm-draw', {start: got.begun, end});
				status.textContent = `${number(Math.round(end - got.begun))} ms from input to picture, ` +
					`${number(Math.round(got.images.ms))} ms of it for the net; ${number(skipped)} skipped.${unread(net, caption())}`;
			});
		} catch (e) {
			if (e.code === 'superseded')
				return;
			message.textContent = e.message;
			pictures.classList.add('dimmed');
		}
	}

	// ---- controls --------------------------------------------------------------------------------

	// A slider with its value; the value is removed by the button beside it.
	function slider(label, low, high, value, change) {
		const range = h('input', {type: 'range', min: low, max: high, step: '0.01', 'aria-label': label,
			value: value ?? (low + high) / 2, oninput: () => {
				text.textContent = Number(range.value).toFixed(2);
				change(range.value);
			}});
		const text = h('output', {class: 'num'}, value === undefined ? 'as drawn' : Number(value).toFixed(2));
		range.value = value ?? (low + high) / 2;
		return h('div', {class: 'slider'}, h('span', {}, label), range, text, h('button', {type: 'button', class: 'quiet',
			'aria-label': `Reset ${label}`, onclick: () => {
				text.textContent = 'as drawn';
				range.value = String((low + high) / 2);
				change(undefined);
			}}, '×'));
	}

	function change_in(name, sign, key, value) {
		const map = parse(params()[name], sign);
		if (value === undefined || value === '')
			map.delete(key);
		else
			map.set(key, value);
		set({[name]: unparse(map, sign)});
	}

	function code(latent) {
		const value = parse(params().codes, '=').get(latent.name);
		if (latent.kind !== 'one-hot')
			return slider(latent.name, -BOUND[latent.kind], BOUND[latent.kind], value,
				v => change_in('codes', '=', latent.name, v));
		const select = h('select', {'aria-label': latent.name, onchange: () =>
			change_in('codes', '=', latent.name, select.value)}, h('option', {value: ''}, 'as drawn'),
		Array.from({length: latent.numbers}, (_, i) => h('option', {value: String(i)}, String(i))));
		select.value = value ?? '';
		return h('label', {class: 'slider'}, h('span', {}, latent.name), select);
	}

	async function know_shares() {
		shares = (await post(run_path('directions'), {...weights_of(app), count: directions()})).share;
	}
	async function compute(button) {
		button.disabled = true;
		button.textContent = 'Computing…';
		try {
			await know_shares();
			draw_controls();
		} catch (e) {
			message.textContent = e.message;
			button.disabled = false;
			button.textContent = 'Compute directions';
		}
	}

	// What a command with this sum of samples says of the number of directions.
	const directions_words = sum => directions() !== USUAL && sum.includes('along=') ? ['--directions', directions()] : [];
	const command = (nearest = false) => {
		const side = Math.sqrt(count()), p = params();
		return command_of(app, 'sample', [run_of(app), '--grid', nearest ? '1x1' : caption() ? `${count()}x1` : `${side}x${side}`,
			...p.mix ? ['--mix', p.mix] : ['--seed', seed(), ...p.class === undefined ? [] : ['--class', p.class],
				...caption() ? ['--caption', caption()] : [...psi() === 1 ? [] : ['--psi', psi()],
					...p.codes ? ['--codes', p.codes] : [], ...p.along ? ['--along', p.along] : []]],
			...directions_words(p.mix ?? (!caption() && p.along ? 'along=' : '')), ...weights_words(app),
			...nearest ? ['--nearest', NEAREST, '--by', by_what()] : [], '-o', nearest ? 'nearest.png' : 'samples.png']);
	};

	const show_nets = () => runs.show_nets(net_selects(app, net, () => { // other weights
		shares = [];
		if (params().along)
			know_shares().then(draw_controls, e => message.textContent = e.message);
		draw_controls();
		refresh();
	}));

	function draw_controls() {
		const seed_field = h('input', {id: 'seed', inputmode: 'numeric', class: 'short', value: String(seed()),
			onchange: () => set({seed: seed_field.value.replaceAll(',', '')})});
		const counts = h('select', {'aria-label': 'Number of samples', onchange: () => set({n: counts.value})},
			COUNTS.map(n => h('option', {value: String(n)}, n === 1 ? '1 sample' : `${n} samples`)));
		counts.value = String(count());
		const classes = net.labelled && h('select', {'aria-label': 'Class', onchange: () => set({class: classes.value})},
			h('option', {value: ''}, 'classes in turn'), net.classes.map((c, i) => h('option', {value: String(i)}, c)));
		if (classes)
			classes.value = params().class ?? '';
		const small = net.latents.filter(l => l.kind === 'one-hot' || l.numbers === 1);
		const along = parse(params().along, ':');
		const button = h('button', {type: 'button', onclick: () => compute(button)}, 'Compute directions');
		const many = h('input', {type: 'number', class: 'short', min: FEW, max: MANY, value: directions(), onchange: () => {
			set({directions: many.value === String(USUAL) ? '' : many.value});
			if (shares.length)
				compute(button);
		}});
		controls.replaceChildren(h('div', {},
			h('div', {class: 'row'}, h('label', {}, 'Seed ', seed_field),
				h('button', {type: 'button', onclick: () => by(1)}, 'Next'),
				h('button', {type: 'button', onclick: random}, 'Random'), counts, classes || ''),
			net.caption ? h('label', {class: 'row'}, 'Caption ', h('input', {class: 'caption', maxlength: '200', value: caption(), placeholder:
				'those of the data', onchange: e => {
				set({caption: e.currentTarget.value, ...e.currentTarget.value ? {mix: '', psi: '', codes: '', along: ''} : {}});
				draw_controls();
				draw_shelf();
			}})) : '',
			params().mix ? h('p', {}, `Shown is a sum of samples: ${params().mix} `, h('button', {type: 'button', class: 'quiet',
				onclick: () => {
					set({mix: ''});
					draw_controls();
				}}, 'Back to one sample')) : '',
			caption() ? '' : [slider('psi', 0, 2, params().psi, v => set({psi: v})),
			small.length ? [h('h3', {}, 'Codes'), small.map(code)] : '',
			h('h3', {}, 'Principal directions'), h('label', {class: 'row'}, 'Number ', many),
			shares.length ? [shares.map((s, i) => slider(`PC${i + 1}, ${(100 * s).toFixed(1)} %`, -3, 3, along.get(String(i)),
				v => change_in('along', ':', String(i), v))), h('button', {type: 'button', onclick: () => {
				set({along: ''});
				draw_controls();
			}}, 'Reset all')] : [h('p', {class: 'soft'},
				'Directions of the latents along which images change most, by 2,048 samples.'), button]],
			h('div', {class: 'row end'}, copy_button('Copy link', () => location.href), copy_button('Copy command', () => command()),
				h('button', {type: 'button', onclick: () => save_canvas(pictures.firstChild, `${app.route.id}-${seed()}.png`)},
					'Save picture'))));
	}

	// ---- the shelf: kept samples, sums of them, ways between them ---------------------------------

	// What is shown, as a sum of terms [weight, words].
	function terms() {
		const p = params();
		if (p.mix)
			return p.mix.split(';').map(t => t.trim().split(/ +/)).map(([w, ...words]) => [Number(w), words.join(' ')]);
		return [[1, [`seed=${seed()}`, p.class && `class=${p.class}`, psi() !== 1 && `psi=${psi()}`, p.codes && `codes=${p.codes}`,
			p.along && `along=${p.along}`].filter(w => w).join(' ')]];
	}
	const text_of = all => all.map(([w, words]) => `${w} ${words}`).join('; ');

	function keep(at = shelf.length) {
		if (!net || caption() || !pictures.firstChild?.width || at >= SHELF)
			return;
		const canvas = h('canvas', {width: pictures.firstChild.width, height: pictures.firstChild.height, role: 'img',
			'aria-label': 'A kept sample'});
		canvas.getContext('2d').drawImage(pictures.firstChild, 0, 0);
		shelf[Math.min(at, shelf.length)] = {terms: terms(), canvas};
		draw_shelf();
	}
	// "a - b + 0.5*c" as terms; throws a sentence.
	function sum_of(text) {
		const all = [];
		let rest = text.replaceAll(' ', ''), sign = '';
		while (rest) {
			const m = /^([+-]?)(?:([0-9.]+)\*)?([a-i])/.exec(rest), kept = m && shelf[m[3].charCodeAt(0) - 97];
			if (!m || (all.length && !m[1]) || !kept || !Number.isFinite(Number(m[2] ?? 1)))
				throw new Error(`“${text}” is not a sum of kept samples, such as a - b + 0.5*c.`);
			sign = m[1] === '-' ? -1 : 1;
			for (const [w, words] of kept.terms)
				all.push([w * sign * Number(m[2] ?? 1), words]);
			rest = rest.slice(m[0].length);
		}
		if (!all.length)
			throw new Error('Write a sum of kept samples, such as a - b + c.');
		return text_of(all);
	}
	function show_sum(text) {
		try {
			set({mix: sum_of(text), seed: '', class: '', psi: '', codes: '', along: ''});
			draw_controls();
		} catch (e) {
			message.textContent = e.message;
		}
	}
	// The images between two kept samples, all beside each other.
	async function draw_strip(a, b, n) {
		try {
			const ends = {mix: sum_of(a), to: sum_of(b), ...weights_of(app)};
			const images = await ask_images(run_path('draw'), {...ends, directions: directions(), slot: slot + 1, seq: ++seq, count: n});
			const all = h('canvas', {role: 'img', 'aria-label': `${n} images from ${a} to ${b}`, width: n * images.width,
				height: images.height});
			const one = h('canvas', {});
			for (let i = 0; i < n; i++) {
				paint(one, images, i);
				all.getContext('2d').drawImage(one, i * images.width, 0);
			}
			all.style.maxWidth = '100%';
			strip = {ends, n};
			message.textContent = '';
			strip_place.replaceChildren(all, h('button', {type: 'button', onclick: () => save_canvas(all, 'strip.png')}, 'Save strip'),
				h('button', {type: 'button', onclick: save_animation}, 'Save animation'), copy_button('Copy command of the strip', () =>
					command_of(app, 'sample', [run_of(app), '--grid', `${n}x1`, '--mix', ends.mix, '--to', ends.to, ...directions_words(ends.mix + ends.to),
						...ends.raw ? ['--raw'] : [], '-o', 'strip.png'])));
		} catch (e) {
			message.textContent = e.message;
		}
	}
	async function save_animation() {
		try {
			const answer = await request('POST', run_path('animate'), {body: {...strip.ends, frames: 4 * strip.n > 64 ? 64 : 4 * strip.n,
				ms: 60}});
			save_blob(await answer.blob(), 'animation.webp');
		} catch (e) {
			message.textContent = e.message;
		}
	}
	function draw_shelf() {
		const names = shelf.map((_, i) => String.fromCharCode(97 + i));
		const sum = h('input', {'aria-label': 'Sum of kept samples', placeholder: 'a - b + c', maxlength: '64', onkeydown: e => {
			if (e.key === 'Enter')
				show_sum(sum.value);
		}});
		const end = (label, value) => {
			const select = h('select', {'aria-label': label}, names.map(n => h('option', {value: n}, n)));
			select.value = value;
			return select;
		};
		const a = end('From', names[0]), b = end('To', names[names.length - 1]);
		const frames = h('input', {type: 'number', class: 'short', min: '3', max: String(STRIP), 'aria-label': 'Images of the strip'});
		frames.value = '8';
		shelf_place.replaceChildren(h('button', {type: 'button', disabled: shelf.length >= SHELF || Boolean(caption()), title:
			caption() ? 'Sums are of samples without a caption' : '', onclick: () => keep()}, 'Keep this sample'),
			...shelf.map((k, i) => {
				enlarge(k.canvas, SMALL);
				return h('button', {type: 'button', class: 'candidate quiet', 'aria-label': `Show ${names[i]}`, onclick: () =>
					show_sum(names[i])}, k.canvas, h('span', {}, names[i]));
			}), ...shelf.length ? [sum, h('button', {type: 'button', onclick: () => show_sum(sum.value)}, 'Show sum'), a, b, frames,
				h('button', {type: 'button', onclick: () => draw_strip(a.value, b.value, Math.max(3, Math.min(STRIP,
					Math.floor(Number(frames.value) || 8))))}, 'Strip')] : []);
	}

	// ---- nearest training examples ---------------------------------------------------------------

	async function find_nearest() {
		const id = app.route.id, text = command(true);
		try {
			job = (await post(run_path('nearest'), {pixels: base64(pixels_of(pictures.firstChild, net.shape[2])), k: NEAREST,
				by: by_what(), ...weights_of(app)})).job;
			for (const mine = job; mine === job && id === app.route.id;) {
				const state = await get(`jobs/${mine}`);
				if (state.state === 'done') {
					const got = await result_of(mine, state);
					nearest_place.replaceChildren(...got.about.nearest.map((one, i) => {
						const canvas = h('canvas', {role: 'img', 'aria-label': `Training example ${one.index}`});
						paint(canvas, got, i);
						enlarge(canvas, SMALL);
						return h('figure', {class: 'near'}, canvas, h('figcaption', {}, `${number(one.index)}: ${one.rmse.toFixed(3)}`));
					}), h('p', {class: 'soft'}, `nearest of ${number(got.about.of)} training examples, with their number and root ` +
						`mean squared difference of ${got.about.by === 'pixels' ? 'pixels in [-1,1]' :
						`features of ${got.about.by}`}`), copy_button('Copy command of the nearest', text));
					return;
				}
				if (state.state !== 'queued' && state.state !== 'running')
					throw new Error(state.message);
				if (state.state === 'queued')
					say_waiting(nearest_place, state);
				else
					nearest_place.textContent = `compared with ${number(state.done)} of ${number(state.total)} training examples`;
				await new Promise(done => setTimeout(done, 200));
			}
		} catch (e) {
			nearest_place.replaceChildren();
			message.textContent = e.message;
		}
	}
	const by_what = () => params().by === 'features' ? 'features' : 'pixels';
	const near_button = h('button', {type: 'button', onclick: find_nearest}, 'Nearest training examples');
	const near_by = h('select', {'aria-label': 'Nearest by', onchange: () => app.set_params({by: near_by.value === 'pixels' ? '' :
		near_by.value})}, ['pixels', 'features'].map(w => h('option', {value: w}, `by ${w}`)));

	// ---- dragging: along the first two directions -------------------------------------------------

	let drag = null;
	pictures.addEventListener('pointerdown', e => {
		if (e.button || shares.length < 2 || params().mix)
			return;
		const along = parse(params().along, ':');
		drag = {x: e.clientX, y: e.clientY, at: [Number(along.get('0') ?? 0), Number(along.get('1') ?? 0)]};
		pictures.setPointerCapture(e.pointerId);
	});
	pictures.addEventListener('pointermove', e => {
		if (!drag)
			return;
		const along = parse(params().along, ':');
		along.set('0', (drag.at[0] + PER_PIXEL * (e.clientX - drag.x)).toFixed(2));
		along.set('1', (drag.at[1] - PER_PIXEL * (e.clientY - drag.y)).toFixed(2));
		set({along: unparse(along, ':')});
	});
	pictures.addEventListener('pointerup', () => {
		if (drag)
			draw_controls();
		drag = null;
	});

	function by(n) {
		set({seed: String(Math.max(0, seed() + n))});
		draw_controls();
	}
	function random() {
		set({seed: String(Math.floor(Math.random() * 1e6))});
		draw_controls();
	}

	function refresh() {
		if (net)
			draw();
	}

	async function show() {
		const id = app.route.id;
		runs.draw();
		if (shown === id) {
			if (net) {
				show_nets();
				draw_controls();
			}
			refresh();
			return;
		}
		shown = id;
		net = null;
		shares = [];
		message.textContent = '';
		controls.replaceChildren();
		runs.show_nets([]);
		pictures.replaceChildren();
		shelf = [];
		strip_place.replaceChildren();
		nearest_place.replaceChildren();
		below.replaceChildren();
		if (!id) {
			controls.replaceChildren(empty('Latents', 'Choose a run that generates images. Train one in the room Runs, or in a ' +
				'terminal:', 'ganymede train dcgan --data glyphs'));
			return;
		}
		try {
			const got = await net_of(id);
			if (app.route.id !== id)
				return;
			if (!got.generate)
				throw new Error(`${id} is a run of ${got.model}, which does not generate images of its own.`);
			net = got;
			if (net.directions && !params().checkpoint || params().along)
				await know_shares();
			asked = performance.now();
			show_nets();
			draw_controls();
			draw_shelf();
			below.replaceChildren(shelf_place, strip_place, h('div', {class: 'row'}, near_button, near_by), nearest_place);
			near_by.value = by_what();
			draw();
		} catch (e) {
			message.textContent = e.message;
		}
	}

	return {
		update: show,
		close() {
			runs.close();
			place.replaceChildren();
		},
		keys: [['n', 'the next seed', () => by(1)], ['N', 'the seed before', () => by(-1)], ['r', 'a random seed', random],
			...Array.from({length: SHELF}, (_, i) => [String(i + 1), `keeps the sample as ${String.fromCharCode(97 + i)}`, () => keep(i)])],
	};
}
