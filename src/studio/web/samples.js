// SPDX-License-Identifier: MIT
//
// samples.js -- the tab Samples: sample pictures at every step, of one run or of several at the same
// step; two pictures as a wipe or as their difference.

import {newest} from './api.js';
import {h, number, once_a_frame} from './dom.js';
import {list_pictures, load_picture} from './pictures.js';

const OF = (list, step) => list.reduce((a, b) => Math.abs(b - step) < Math.abs(a - step) ? b : a, list[0]);

export function open_samples(app, place, ids, compared) {
	let lists = new Map(), steps = [];
	const button = (label, title, action) => h('button', {type: 'button', 'aria-label': title, title, onclick: action}, label);
	const kind = h('select', {'aria-label': 'Kind of pictures', onchange: () => set({kind: kind.value})});
	const field = h('input', {id: 'step', inputmode: 'numeric', class: 'short', onchange: () => go(field.value)});
	const slider = h('input', {type: 'range', min: '0', max: '0', 'aria-label': 'Step of the pictures', oninput: () => go(steps[slider.value])});
	const follow = h('input', {type: 'checkbox', onchange: () => set({step: follow.checked ? '' : String(at())})});
	const mode = h('select', {'aria-label': 'How pictures are shown', onchange: () => set({show: mode.value})},
		[['', 'side by side'], ['wipe', 'wipe'], ['difference', 'difference']].map(([v, t]) => h('option', {value: v}, t)));
	const other = h('select', {'aria-label': 'Second picture', onchange: () => set({b: other.value})});
	const amount = h('input', {type: 'range', 'aria-label': 'Amount', oninput: () => {
		set_only({[mode.value === 'wipe' ? 'wipe' : 'gain']: amount.value});
		draw_amount();
	}});
	const amount_text = h('output', {class: 'num'});
	const size = h('select', {'aria-label': 'Size of pictures', onchange: () => set({size: size.value})},
		[['', 'fit'], ['1', '1×'], ['2', '2×'], ['4', '4×']].map(([v, t]) => h('option', {value: v}, t)));
	const out = h('div', {class: 'pictures'}), message = h('p', {class: 'soft', role: 'status'});
	const pair = h('div', {class: 'row tools'}, h('label', {}, 'with', other), amount, amount_text);
	place.append(h('div', {class: 'row tools'}, kind, h('label', {}, 'Step', field), button('|◀', 'First step (Home)', () => by(-1e9)),
		button('◀', 'Step before (Left)', () => by(-1)), slider, button('▶', 'Next step (Right)', () => by(1)),
		button('▶|', 'Last step (End)', () => by(1e9)), h('label', {class: 'check'}, follow, 'Follow'), mode, size), pair, message, out);

	const params = () => app.route.params;
	const set_only = change => app.set_params(change);
	function set(change) {
		set_only(change);
		refresh();
	}
	const last = () => steps[steps.length - 1] ?? 0;
	const at = () => params().step === undefined || !steps.length ? last() : OF(steps, Number(params().step) || 0);
	function go(text) {
		const want = Number(String(text).replaceAll(',', ''));
		if (Number.isFinite(want) && steps.length)
			set({step: String(OF(steps, want))});
		else
			refresh();
	}
	function by(n) {
		const i = steps.indexOf(at()) + n;
		set({step: String(steps[Math.max(0, Math.min(steps.length - 1, i))])});
	}

	// ---- which pictures there are --------------------------------------------------------------

	const load = newest(async () => {
		const all = await Promise.all(ids.map(id => list_pictures(id)));
		lists = new Map(ids.map((id, i) => [id, all[i].kinds]));
		refresh();
	});

	function refresh() {
		const names = [...new Set([...lists.values()].flatMap(kinds => kinds.map(k => k.name)))].filter(n => n !== 'reals');
		if (kind.childElementCount !== names.length)
			kind.replaceChildren(...names.map(n => h('option', {value: n}, n)));
		kind.hidden = names.length < 2;
		kind.value = names.includes(params().kind) ? params().kind : names.includes('fakes') ? 'fakes' : names[0] ?? '';
		const of_kind = id => lists.get(id)?.find(k => k.name === kind.value)?.steps ?? [];
		steps = [...new Set(ids.flatMap(of_kind))].sort((a, b) => a - b);
		slider.max = String(Math.max(0, steps.length - 1));
		slider.value = String(Math.max(0, steps.indexOf(at())));
		slider.setAttribute('aria-valuetext', `step ${number(at())}`);
		if (document.activeElement !== field || params().step !== undefined)
			field.value = number(at());
		follow.checked = params().step === undefined;
		mode.value = ['wipe', 'difference'].includes(params().show) ? params().show : '';
		size.value = ['1', '2', '4'].includes(params().size) ? params().size : '';
		pair.hidden = !mode.value;
		message.textContent = steps.length ? '' : 'No samples yet. A run writes them every sample-every steps.';
		const others = [...(compared ? ids.slice(1).map(id => [id, id]) : []), ['first', 'first step'], ['last', 'last step'],
			...(lists.get(ids[0])?.some(k => k.name === 'reals') ? [['reals', 'training data']] : [])];
		if (other.childElementCount !== others.length)
			other.replaceChildren(...others.map(([v, t]) => h('option', {value: v}, t)));
		other.value = others.some(o => o[0] === params().b) ? params().b : others[0][0];
		draw();
	}

	// ---- drawing -------------------------------------------------------------------------------

	const caption = step => step ? `step ${number(step)}` : 'before training';

	// The picture of a run at the chosen step, or at the nearest that it has.
	function source(id) {
		const own = lists.get(id)?.find(k => k.name === kind.value)?.steps ?? [];
		return own.length ? {id, kind: kind.value, step: OF(own, at())} : null;
	}
	function second() {
		const first = source(ids[0]);
		if (other.value === 'reals')
			return {id: ids[0], kind: 'reals', step: 0};
		if (other.value === 'first' || other.value === 'last')
			return {...first, step: other.value === 'first' ? steps[0] : last()};
		return source(other.value);
	}
	const name = s => s.kind === 'reals' ? 'training data' : `${compared ? `${s.id}, ` : ''}${caption(s.step)}`;

	function scaled(e, p) {
		// What fits is enlarged by whole factors only, so that all pixels stay equal.
		const room = compared || mode.value ? out.clientWidth / Math.min(3, compared ? ids.length : 2) - 16 :
			Math.min(960, out.clientWidth);
		const scale = Number(size.value) || Math.max(1, Math.floor(room / p.width));
		e.style.width = `${p.width * scale}px`;
		e.style.maxWidth = size.value ? 'none' : '';
		return e;
	}

	const draw = newest(async () => {
		if (!steps.length) {
			out.replaceChildren();
			return;
		}
		out.classList.toggle('single', !compared && !mode.value);
		try {
			if (mode.value)
				await draw_pair();
			else
				await draw_beside();
		} catch (e) {
			out.replaceChildren(h('p', {class: 'problem'}, e.message));
		}
	});

	async function draw_beside() {
		const some = ids.map(source).filter(s => s), loaded = await Promise.all(some.map(s => load_picture(s.id, s.kind, s.step)));
		out.replaceChildren(...some.map((s, i) => h('figure', {'data-step': s.step}, scaled(h('img', {src: loaded[i].url,
			width: loaded[i].width, height: loaded[i].height, alt: `${s.id}: ${s.kind}, ${caption(s.step)}`}), loaded[i]),
		h('figcaption', {}, compared ? h('i', {class: `dot of-${(app.live.runs.get(s.id)?.colour ?? 0) + 1}`}) : '', ' ',
			h('bdi', {}, name(s))))));
		if (params().step !== undefined) // the neighbours are wanted next
			for (const i of [-1, 1]) {
				const next = steps[steps.indexOf(at()) + i];
				if (next !== undefined && !compared)
					load_picture(ids[0], kind.value, next).catch(() => {});
			}
	}

	let loaded_pair = null;
	async function draw_pair() {
		const a = source(ids[0]), b = second();
		if (!a || !b)
			return;
		const [pa, pb] = await Promise.all([a, b].map(s => load_picture(s.id, s.kind, s.step)));
		if (!amount.dataset.mode || amount.dataset.mode !== mode.value) {
			const wipe = mode.value === 'wipe';
			Object.assign(amount, {min: wipe ? '0' : '1', max: wipe ? '100' : '16', step: '1'});
			amount.value = wipe ? params().wipe ?? '50' : params().gain ?? '4';
			amount.dataset.mode = mode.value;
			amount.setAttribute('aria-label', wipe ? 'Part of the first picture' : 'Difference times');
		}
		const canvas = h('canvas', {width: pa.width, height: pa.height, role: 'img',
			'aria-label': `${mode.value} of ${name(a)} and ${name(b)}`});
		loaded_pair = {pa, pb, canvas};
		const text = mode.value === 'wipe' ? `left: ${name(a)}; right: ${name(b)}` : `difference of ${name(a)} and ${name(b)}`;
		out.replaceChildren(h('figure', {}, scaled(canvas, pa), h('figcaption', {}, h('bdi', {}, text))));
		draw_amount();
	}

	const draw_amount = once_a_frame(() => {
		const {pa, pb, canvas} = loaded_pair ?? {};
		if (!canvas?.isConnected)
			return;
		const g = canvas.getContext('2d', {willReadFrequently: true}), {width, height} = canvas, v = Number(amount.value);
		g.imageSmoothingEnabled = false;
		amount_text.textContent = mode.value === 'wipe' ? `${v} %` : `×${v}`;
		g.drawImage(pb.bitmap, 0, 0, width, height);
		if (mode.value === 'wipe') {
			const cut = Math.round(width * v / 100);
			if (cut)
				g.drawImage(pa.bitmap, 0, 0, cut, height, 0, 0, cut, height);
			g.fillStyle = '#2462c8';
			g.fillRect(cut - 1, 0, 2, height);
			return;
		}
		const b = g.getImageData(0, 0, width, height);
		g.drawImage(pa.bitmap, 0, 0, width, height);
		const a = g.getImageData(0, 0, width, height);
		for (let i = 0; i < a.data.length; i++)
			a.data[i] = i % 4 === 3 ? 255 : Math.min(255, v * Math.abs(a.data[i] - b.data[i]));
		g.putImageData(a, 0, 0);
	});

	const tell = e => {
		message.textContent = e.message;
	};
	const reload = () => load().catch(tell);
	reload();
	const key = n => e => e.target.closest('[role="tab"], .run-list') ? false : by(n);
	return {
		update: refresh, changed: reload,
		keys: [['ArrowLeft', 'the picture before', key(-1)], ['ArrowRight', 'the next picture', key(1)],
			['Home', 'the first picture', key(-1e9)], ['End', 'the last picture', key(1e9)]],
	};
}
