// SPDX-License-Identifier: MIT
//
// runs.js -- the room Runs: the list of all runs at the left, and at its right what is open: a run
// (run.js), a comparison of selected runs (run.js), a new run (form.js) or the trash (trash.js).

import {patch, post} from './api.js';
import {bar, bytes_text, h, number, once_a_frame, state_badge} from './dom.js';
import {FILTER_LENGTH, filter_runs, searchable, sort_runs} from './filter.js';
import {open_form} from './form.js';
import {open_run} from './run.js';
import {open_trash} from './trash.js';

const SHOWN = 200; // rows drawn at first, and with each "more"
const DEMO = {model: 'dcgan', options: {data: 'glyphs', width: '16', batch: '32', steps: '1500', ema: '0.99'}};

// "mnist" of "/data/mnist/": the end of a path tells more than its beginning.
const last_part = path => path.replace(/\/+$/, '').split('/').pop() || path;

// ---- selection and colours ---------------------------------------------------------------------

export const selected_of = route => (route.params.sel ?? '').split(',').filter(id => id);

// Each selected run gets the lowest colour that no other selected run has; the studio keeps it.
export function give_colour(app, id, others) {
	const run = app.live.runs.get(id), taken = new Set(others.map(o => app.live.runs.get(o)?.colour));
	if (!run || (run.colour !== null && !taken.has(run.colour)))
		return;
	run.colour = [0, 1, 2, 3, 4, 5, 6, 7].find(c => !taken.has(c)) ?? 0;
	patch(`runs/${id}`, {colour: run.colour}).catch(e => app.toast(e.message, {bad: true}));
}

// ---- the list ----------------------------------------------------------------------------------

function main_values(run) {
	return Object.entries(run.last ?? {}).filter(([k]) => k.startsWith('loss') || k === 'elbo').slice(0, 2);
}

class List {
	constructor(app, room) {
		this.app = app;
		this.room = room;
		this.rows = new Map(); // id to {row, text, of}
		this.most = SHOWN;
		this.filter = h('input', {type: 'search', id: 'filter', maxlength: FILTER_LENGTH, autocomplete: 'off',
			spellcheck: 'false', placeholder: 'Filter: dcgan lr>1e-3 state:finished', 'aria-label': 'Filter of runs',
			title: 'Words, option:value, option<number; -word: not (/)',
			oninput: () => this.set({q: this.filter.value}), onkeydown: e => {
				if (e.key === 'Escape' && this.filter.value) {
					this.filter.value = '';
					this.set({q: ''});
					e.preventDefault();
				}
			}});
		this.sort = h('select', {'aria-label': 'Order of runs', onchange: () => this.set({sort: this.sort.value})});
		this.compare = h('button', {type: 'button', onclick: () => this.room.compare()}, 'Compare');
		this.count = h('span', {class: 'soft', role: 'status'});
		this.clear = h('button', {type: 'button', class: 'quiet', onclick: () => this.room.select([])}, 'Clear selection');
		this.body = h('tbody', {});
		this.heads = [['name', 'Run'], ['state', 'State'], ['data', 'Data', 'wide'], [null, 'Last values', 'wide'],
			[null, 'Scores', 'wide'], ['speed', 'Speed', 'wide'], ['size', 'Size', 'wide']];
		this.table = h('table', {class: 'run-list'}, h('caption', {class: 'only-read'}, 'Runs'),
			h('thead', {}, h('tr', {}, h('th', {}, h('span', {class: 'only-read'}, 'Select')),
				this.heads.map(([key, title, cls]) => h('th', {scope: 'col', class: cls ?? ''}, key ?
					h('button', {type: 'button', class: 'sort', 'data-sort': key, onclick: () => this.sort_by(key)},
						title) : title)))), this.body);
		this.more = h('button', {type: 'button', hidden: true, onclick: () => {
			this.most += SHOWN;
			this.draw();
		}}, 'Show more');
		this.trash = h('a', {href: app.link('runs', 'trash'), class: 'soft'}, 'Trash');
		this.element = h('section', {class: 'list-pane', 'aria-label': 'List of runs'},
			h('div', {class: 'row'}, this.filter, h('a', {class: 'button primary', href: app.link('runs', 'new')},
				'New run')),
			h('div', {class: 'row'}, this.sort, this.compare, this.clear, h('span', {class: 'fill'}), this.count),
			this.table, this.more, h('p', {class: 'list-foot'}, this.trash));
		this.draw = once_a_frame(() => this.draw_now());
	}

	set(params) {
		this.most = SHOWN;
		this.app.set_params(params);
		this.draw();
	}

	sort_by(key) {
		const now = this.app.route.params.sort ?? 'newest';
		this.set({sort: now === key ? `-${key}` : key});
	}

	draw_now() {
		const {live, route} = this.app, {params} = route;
		if (!live.loaded) {
			this.body.replaceChildren(...Array.from({length: 6}, () =>
				h('tr', {class: 'skeleton'}, h('td', {colspan: 8}, h('i', {})))));
			return;
		}
		const sort = params.sort ?? 'newest';
		if (document.activeElement !== this.filter)
			this.filter.value = params.q ?? '';
		const all = [...live.runs.values()];
		for (const run of all)
			run.text ??= searchable(run);
		this.shown = sort_runs(filter_runs(all, (params.q ?? '').slice(0, FILTER_LENGTH)), sort);
		this.draw_tools(all, sort);
		for (const id of this.rows.keys())
			if (!live.runs.has(id))
				this.rows.delete(id);
		const selected = new Set(selected_of(route));
		const rows = this.shown.slice(0, this.most).map(run => this.row_of(run, selected));
		if (!rows.length)
			rows.push(h('tr', {}, h('td', {colspan: 8, class: 'none'}, all.length ? 'No run matches the filter.' :
				'No runs yet.')));
		// Unchanged rows stay where they are, so that focus and scrolling do.
		const now = [...this.body.children];
		if (now.length !== rows.length || now.some((e, i) => e !== rows[i])) {
			const focus = document.activeElement;
			this.body.replaceChildren(...rows);
			if (this.body.contains(focus))
				focus.focus();
		}
		this.more.hidden = this.shown.length <= this.most;
	}

	draw_tools(all, sort) {
		const selected = selected_of(this.app.route);
		this.compare.textContent = `Compare ${selected.length || ''}`.trim();
		this.compare.disabled = selected.length < 2;
		this.clear.hidden = !selected.length;
		this.count.textContent = this.shown.length === all.length ? `${number(all.length)} runs` :
			`${number(this.shown.length)} of ${number(all.length)}`;
		if (this.app.live.more)
			this.count.textContent += ', and older ones';
		const names = new Set();
		for (const run of all)
			for (const name of [...Object.keys(run.last ?? {}), ...Object.keys(run.scores ?? {})])
				names.add(name);
		const orders = ['newest', 'name', 'state', 'model', 'data', 'progress', 'speed', 'size',
			...[...names].sort()].flatMap(n => [n, `-${n}`]);
		const key = orders.join();
		if (this.orders !== key) {
			this.orders = key;
			this.sort.replaceChildren(...orders.map(n => h('option', {value: n},
				n === '-newest' ? 'oldest' : n[0] === '-' ? `${n.slice(1)}, reversed` : n)));
		}
		this.sort.value = orders.includes(sort) ? sort : 'newest';
		for (const b of this.table.querySelectorAll('[data-sort]')) {
			const on = sort.replace(/^-/, '') === b.dataset.sort;
			b.closest('th').setAttribute('aria-sort', !on ? 'none' : sort[0] === '-' ? 'descending' : 'ascending');
		}
	}

	row_of(run, selected) {
		const open = this.app.route.id === run.id, is = selected.has(run.id);
		const key = `${open}|${is}|${run.colour}`;
		const old = this.rows.get(run.id);
		if (old && old.run === run && old.key === key)
			return old.row;
		const box = h('input', {type: 'checkbox', 'aria-label': `Select ${run.id}`,
			onchange: () => this.room.toggle(run.id)});
		box.checked = is;
		const name = h('a', {href: this.app.link('runs', run.id, this.kept_params()), title: run.note || run.id,
			'aria-current': open ? 'true' : null, onclick: e => {
				if (e.ctrlKey || e.metaKey || e.shiftKey)
					return;
				e.preventDefault();
				this.room.open(run.id);
			}}, h('bdi', {}, run.id));
		const value = ([k, v]) => h('span', {class: typeof v === 'string' ? 'value bad' : 'value'},
			h('bdi', {class: 'soft'}, k), ` ${number(v)}`);
		const running = run.state === 'running';
		const cells = [h('td', {class: 'pick'}, h('label', {class: `swatch of-${(run.colour ?? -2) + 1}`}, box)),
			h('td', {class: 'name'}, h('span', {class: 'line'}, run.pinned ? h('span', {title: 'pinned'}, '★ ') : '',
				name), h('span', {class: 'line soft'}, h('bdi', {}, run.trouble || run.note ||
				`${last_part(run.data)} · ${number(run.step)} of ${number(run.total)} steps`))),
			h('td', {class: 'state'}, state_badge(run), running ? bar(run) : ''),
			h('td', {class: 'wide'}, h('bdi', {title: run.data}, last_part(run.data))),
			h('td', {class: 'wide'}, main_values(run).map(value)),
			h('td', {class: 'wide'}, Object.entries(run.scores ?? {}).slice(0, 3).map(value)),
			h('td', {class: 'wide num'}, run.per_second > 0 ? `${number(run.per_second)}/s` : ''),
			h('td', {class: 'wide num'}, bytes_text(run.bytes))];
		// A row is kept and its cells are exchanged, except those with the focus.
		const row = old?.row ?? h('tr', {});
		const focus = row.contains(document.activeElement) ? document.activeElement.tagName : '';
		row.className = open ? 'open' : '';
		row.replaceChildren(...cells);
		if (focus)
			row.querySelector(focus.toLowerCase())?.focus({preventScroll: true});
		this.rows.set(run.id, {row, run, key});
		return row;
	}

	// What stays in the address when another run is opened.
	kept_params() {
		const {step, kind, zoom, ...kept} = this.app.route.params;
		return kept;
	}

	// The run whose row has the focus, else the open one.
	current() {
		const row = document.activeElement?.closest?.('.run-list tr');
		for (const [id, r] of this.rows)
			if (r.row === row)
				return id;
		return this.app.live.runs.has(this.app.route.id) ? this.app.route.id : null;
	}

	move(by) {
		if (!this.shown?.length)
			return;
		const at = this.shown.findIndex(r => r.id === this.current());
		const to = this.shown[Math.max(0, Math.min(this.shown.length - 1, at < 0 ? 0 : at + by))];
		if (this.shown.indexOf(to) >= this.most)
			return;
		const link = this.rows.get(to.id)?.row.querySelector('a');
		link?.focus();
		link?.scrollIntoView({block: 'nearest'});
	}
}

// ---- the room ----------------------------------------------------------------------------------

class Room {
	constructor(app, place) {
		this.app = app;
		this.list = new List(app, this);
		this.pane_place = h('section', {class: 'run-pane', 'aria-label': 'Run'});
		this.element = h('div', {class: 'runs-room'}, this.list.element, this.pane_place);
		place.replaceChildren(this.element);
		this.on_runs = e => this.runs_changed(e.detail);
		app.live.addEventListener('runs', this.on_runs);
		this.own_keys = [
			['/', 'to the filter', () => this.list.filter.focus()],
			['ArrowDown', 'the next run', e => this.list_key(e, 1)],
			['ArrowUp', 'the run before', e => this.list_key(e, -1)],
			['x', 'selects the run for comparison', () => this.list.current() ? this.toggle(this.list.current()) : false],
			['n', 'a new run', () => app.go('runs', 'new')],
		];
	}

	get keys() {
		return [...this.own_keys, ...this.pane?.keys ?? []];
	}

	list_key(e, by) {
		if (e.target !== document.body && !e.target.closest('.run-list, #room') || e.target.closest('[role="application"], .tabs, [role="slider"]'))
			return false;
		this.list.move(by);
		return true;
	}

	open(id) {
		this.app.go('runs', id, this.list.kept_params());
	}

	compare() {
		if (selected_of(this.app.route).length >= 2)
			this.app.go('runs', 'compare', {...this.list.kept_params(), tab: 'curves'});
	}

	toggle(id) {
		const now = selected_of(this.app.route), most = this.app.hello.limits?.select ?? 8;
		if (now.includes(id)) {
			this.select(now.filter(i => i !== id));
		} else if (now.length >= most) {
			this.app.toast(`At most ${most} runs are compared. Take one out first.`);
			this.list.rows.delete(id);
			this.list.draw();
		} else {
			give_colour(this.app, id, now);
			this.select([...now, id]);
		}
	}

	select(ids) {
		this.app.set_params({sel: ids.join(',')});
		if (this.app.route.id === 'compare' && ids.length < 1)
			this.app.go('runs', '', this.app.route.params);
		else
			this.update(this.app.route);
	}

	update(route) {
		// The settings of the last visit, where the address has none.
		if (!Object.keys(route.params).length && !route.id)
			this.app.set_params(this.app.setting('runs-view', {}));
		const {sel, sort, smooth, y, x, clip, c, raw} = route.params;
		this.app.keep('runs-view', {sel, sort, smooth, y, x, clip, c, raw});
		const kind = route.id === 'new' ? open_form : route.id === 'trash' ? open_trash : route.id ? open_run :
			open_start;
		if (this.kind !== kind) {
			this.pane?.close?.();
			this.kind = kind;
			this.pane = null;
			this.pane_place.replaceChildren();
			this.pane = kind(this.app, this.pane_place, this);
		}
		this.element.className = `runs-room ${kind === open_start ? 'alone' : kind === open_form ? 'forming' : 'opened'}`;
		this.list.draw();
		this.pane.update(route);
	}

	runs_changed(detail) {
		this.list.draw();
		const known = new Set([...this.app.live.runs.keys()]);
		const selected = selected_of(this.app.route);
		if (this.app.live.loaded && selected.some(id => !known.has(id)) && !this.app.live.more)
			this.app.set_params({sel: selected.filter(id => known.has(id)).join(',')});
		this.pane?.changed?.(detail);
	}

	close() {
		this.app.live.removeEventListener('runs', this.on_runs);
		this.pane?.close?.();
	}
}

// ---- nothing is open ---------------------------------------------------------------------------

function open_start(app, place) {
	const problem = h('p', {class: 'problem', role: 'alert'});
	const demo = h('button', {type: 'button', class: 'primary', onclick: async () => {
		demo.disabled = true;
		problem.textContent = '';
		try {
			const got = await post('runs?dry=0', DEMO);
			await app.live.changed();
			if (got.id)
				app.go('runs', got.id, {});
		} catch (e) {
			problem.textContent = `${e.message} ${e.hint}`;
		}
		demo.disabled = false;
	}}, 'Train glyphs for a minute');
	const empty = h('div', {class: 'empty', hidden: true}, h('h2', {}, `No runs in ${app.hello.outdir}`),
		h('p', {}, 'Start one here, or in a terminal with ', h('code', {}, 'ganymede train dcgan'),
			'; it appears by itself.'),
		h('div', {class: 'row'}, demo, h('a', {class: 'button', href: app.link('runs', 'new')}, 'Choose another model')),
		problem);
	place.append(empty);
	const draw = () => {
		empty.hidden = !app.live.loaded || app.live.runs.size > 0;
		place.closest('.runs-room')?.classList.toggle('no-runs', !empty.hidden);
	};
	return {update: draw, changed: draw, keys: []};
}

export function open(app, place) {
	return new Room(app, place);
}

