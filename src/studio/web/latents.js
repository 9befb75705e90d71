// SPDX-License-Identifier: MIT
//
// latents.js -- the room Latents: samples of a run by seed, class, codes, principal directions and psi.
// Every change draws at once: one request is in flight, the newest one waits (api.js, newest).

import {newest, post} from './api.js';
import {copy_button, h, number} from './dom.js';
import {ask_images, command_of, empty, enlarge, net_of, paint, random_slot, run_select, save_canvas} from './net.js';

const COUNTS = [1, 4, 9, 16];
const BOUND = {normal: 3, uniform: 1};

// "c1=3,c2=-.4" and "0:1.5,3:-2" as maps, and back.
const parse = (text, sign) => new Map((text ?? '').split(',').filter(p => p.includes(sign)).map(p => p.split(sign)));
const unparse = (map, sign) => [...map].map(p => p.join(sign)).join(',');

export function open(app, place) {
	const slot = random_slot(), runs = run_select(app, 'latents');
	let net = null, shown = null, seq = 0, skipped = 0, asked = 0, shares = [];
	const message = h('p', {class: 'problem', role: 'alert'}), status = h('p', {class: 'soft', role: 'status'});
	const pictures = h('div', {class: 'latent-pictures'}), controls = h('div', {class: 'card latent-controls'});
	place.replaceChildren(h('div', {class: 'room-grid'},
		h('section', {class: 'card'}, h('div', {class: 'row'}, runs.select), message, pictures, status), controls));

	const params = () => app.route.params;
	const seed = () => Math.min(2 ** 53 - 1, Math.max(0, Math.floor(Number(params().seed) || 0)));
	const count = () => COUNTS.includes(Number(params().n)) ? Number(params().n) : 1;
	const psi = () => params().psi === undefined ? 1 : Math.max(0, Math.min(2, Number(params().psi) || 0));

	function set(change) {
		asked = performance.now();
		app.set_params(change);
		refresh();
	}

	// ---- drawing ---------------------------------------------------------------------------------

	const ask = newest(async begun => {
		const p = params();
		const images = await ask_images(`runs/${encodeURIComponent(app.route.id)}/draw`, {slot, seq: ++seq, seed: seed(),
			count: count(), class: p.class === undefined ? -1 : Number(p.class), psi: psi(), codes: p.codes ?? '',
			along: p.along ?? ''});
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
					`${number(Math.round(got.images.ms))} ms of it for the net; ${number(skipped)} skipped`;
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

	async function compute(button) {
		button.disabled = true;
		button.textContent = 'Computing…';
		try {
			shares = (await post(`runs/${encodeURIComponent(app.route.id)}/directions`)).share;
			draw_controls();
		} catch (e) {
			message.textContent = e.message;
			button.disabled = false;
			button.textContent = 'Compute directions';
		}
	}

	const command = () => {
		const side = Math.sqrt(count()), p = params();
		return command_of(app, 'sample', [app.route.id, '--grid', `${side}x${side}`, '--seed', seed(),
			...p.class === undefined ? [] : ['--class', p.class], ...psi() === 1 ? [] : ['--psi', psi()],
			...p.codes ? ['--codes', p.codes] : [], ...p.along ? ['--along', p.along] : [], '-o', 'samples.png']);
	};

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
		controls.replaceChildren(h('div', {},
			h('div', {class: 'row'}, h('label', {}, 'Seed ', seed_field),
				h('button', {type: 'button', onclick: () => by(1)}, 'Next'),
				h('button', {type: 'button', onclick: random}, 'Random'), counts, classes || ''),
			slider('psi', 0, 2, params().psi, v => set({psi: v})),
			small.length ? [h('h3', {}, 'Codes'), small.map(code)] : '',
			h('h3', {}, 'Principal directions'),
			shares.length ? [shares.map((s, i) => slider(`PC${i + 1}, ${(100 * s).toFixed(1)} %`, -3, 3, along.get(String(i)),
				v => change_in('along', ':', String(i), v))), h('button', {type: 'button', onclick: () => {
				set({along: ''});
				draw_controls();
			}}, 'Reset all')] : [h('p', {class: 'soft'},
				'Directions of the latents along which images change most, by 2,048 samples.'), button],
			h('div', {class: 'row end'}, copy_button('Copy link', () => location.href), copy_button('Copy command', command),
				h('button', {type: 'button', onclick: () => save_canvas(pictures.firstChild, `${app.route.id}-${seed()}.png`)},
					'Save picture'))));
	}

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
			if (net)
				draw_controls();
			refresh();
			return;
		}
		shown = id;
		net = null;
		shares = [];
		message.textContent = '';
		controls.replaceChildren();
		pictures.replaceChildren();
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
			if (net.directions || params().along)
				shares = (await post(`runs/${encodeURIComponent(id)}/directions`)).share;
			asked = performance.now();
			draw_controls();
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
		keys: [['n', 'the next seed', () => by(1)], ['N', 'the seed before', () => by(-1)], ['r', 'a random seed', random]],
	};
}
