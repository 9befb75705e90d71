// SPDX-License-Identifier: MIT
//
// curves.js -- the tab Curves: charts of one run (a colour for each column), or of several (a colour
// for each run, dashes for columns). Smoothing, axes, clipping and zoom are in the address.

import {get, newest} from './api.js';
import {Chart, Link, group_columns} from './chart.js';
import {h} from './dom.js';

const SMOOTHING = [0, 0.2, 0.5, 1, 2, 5, 10, 20]; // half-life, % of the run's steps
const EVERY_MS = 700; // a run's curves are fetched at most this often
const AXES = [['step', 'step'], ['examples', 'examples seen'], ['time', 'seconds of training']];
const BUCKETS = 500; // at most, and no more than pixels, so that the pointer reaches each

// smooth, y, x, clip: of all charts, and for some charts their own: c=Losses:y=log,Spread:clip=1
function own_settings(text) {
	const own = {};
	for (const part of (text ?? '').split(',')) {
		const [title, setting] = part.split(':'), [name, value] = (setting ?? '').split('=');
		if (title && ['smooth', 'y', 'clip', 'raw'].includes(name) && value !== undefined)
			(own[title] ??= {})[name] = value;
	}
	return own;
}

const own_text = own => Object.entries(own).flatMap(([title, set]) => Object.entries(set).map(([k, v]) =>
	`${title}:${k}=${v}`)).join(',');

export function open_curves(app, place, ids, compared) {
	const link = new Link(), charts = new Map(), answers = new Map();
	const option = ([value, text]) => h('option', {value}, text);
	const smooth = h('select', {id: 'smooth', title: 'Half-life of the mean, in % of the steps (, and .)', onchange: () =>
		set_all('smooth', smooth.value)}, SMOOTHING.map(s => option([String(s), s ? `${s} %` : 'none'])));
	const y = h('select', {id: 'y-axis', onchange: () => set_all('y', y.value)}, ['auto', 'linear', 'log'].map(v => option([v, v])));
	const x = h('select', {id: 'x-axis', onchange: () => {
		link.set_zoom(null);
		set_all('x', x.value);
	}}, AXES.map(option));
	const clip = h('input', {type: 'checkbox', onchange: () => set_all('clip', clip.checked ? '1' : '')});
	const message = h('p', {class: 'soft', role: 'status'});
	const grid = h('div', {class: 'charts'}, [1, 2, 3].map(() => h('div', {class: 'chart skeleton'}, h('i', {}))));
	place.append(h('div', {class: 'row tools'}, h('label', {}, 'Smoothing', smooth), h('label', {}, 'y axis', y),
		h('label', {}, 'x axis', x), h('label', {class: 'check'}, clip, 'Clip outliers')), message, grid);

	const all = () => ({smooth: '2', y: 'auto', x: 'step', clip: '', raw: '1', ...app.route.params});
	const of_chart = title => ({...all(), ...own_settings(app.route.params.c)[title]});

	// A setting of all charts replaces that of single ones.
	function set_all(name, value) {
		const own = own_settings(app.route.params.c);
		for (const set of Object.values(own))
			delete set[name];
		app.set_params({[name]: value, c: own_text(own)});
		keep();
		apply();
	}

	function set_own(title, change) {
		const own = own_settings(app.route.params.c), set = own[title] ??= {};
		for (const [k, v] of Object.entries(change))
			set[k] = v === true ? '1' : v === false ? '' : v;
		app.set_params({c: own_text(own)});
		keep();
	}

	function keep() {
		const {sel, sort, smooth: s, y: yy, x: xx, clip: cc, c, raw} = app.route.params;
		app.keep('runs-view', {sel, sort, smooth: s, y: yy, x: xx, clip: cc, c, raw});
	}

	function show_settings() {
		const now = all();
		smooth.value = SMOOTHING.includes(Number(now.smooth)) ? String(Number(now.smooth)) : '2';
		y.value = ['auto', 'linear', 'log'].includes(now.y) ? now.y : 'auto';
		x.value = AXES.some(a => a[0] === now.x) ? now.x : 'step';
		clip.checked = now.clip === '1';
	}

	const view_of = title => {
		const now = of_chart(title);
		return {y: ['linear', 'log'].includes(now.y) ? now.y : 'auto', clip: now.clip === '1', raw: now.raw !== ''};
	};

	// Redraws what is there and fetches it again with other smoothing.
	function apply() {
		show_settings();
		for (const chart of charts.values())
			chart.set_view(view_of(chart.o.title));
		fetch_all();
	}

	// ---- data ----------------------------------------------------------------------------------

	// How a step of this run is shown on the x axis. Examples and seconds are in proportion to steps:
	// batches and speed are taken as constant.
	function scale_of(run) {
		if (x.value === 'examples' && run.step > 0)
			return run.seen / run.step;
		if (x.value === 'time' && run.step > 0 && run.per_second > 0)
			return run.seen / run.step / run.per_second;
		return 1;
	}

	function buckets() {
		const [chart] = charts.values();
		return Math.max(100, Math.min(BUCKETS, chart?.pixels() ?? 300));
	}

	async function fetch_run(id) {
		const run = app.live.runs.get(id), by_half = new Map();
		if (!run)
			return;
		const scale = scale_of(run), zoom = link.zoom?.map(v => v / scale);
		const query = zoom ? `&from=${Math.max(0, Math.floor(zoom[0]))}&to=${Math.max(1, Math.ceil(zoom[1]))}` : '';
		const ask = (half, names) => get(`runs/${id}/stats?buckets=${buckets()}&half=${
			half / 100 * Math.max(run.total, run.step)}${query}${names ? `&names=${names.map(encodeURIComponent).join(',')}` : ''}`);
		// Most charts have the smoothing of all; those with their own are asked for separately.
		const usual = Number(smooth.value), first = await ask(usual);
		for (const g of group_columns(first.columns)) {
			const own = Number(of_chart(g.title).smooth);
			if (own !== usual && SMOOTHING.includes(own))
				by_half.set(own, [...by_half.get(own) ?? [], ...g.names]);
		}
		for (const [half, names] of by_half)
			Object.assign(first.series, (await ask(half, names)).series);
		if (scale !== 1)
			for (const s of Object.values(first.series))
				s.x = s.x.map(v => v * scale);
		answers.set(id, first);
	}

	const fetch_all = newest(async () => {
		try {
			await Promise.all(ids.map(fetch_run));
		} catch (e) {
			message.textContent = e.message;
			return;
		}
		draw();
		await new Promise(done => setTimeout(done, EVERY_MS));
	});

	function draw() {
		if (closed)
			return;
		const names = [...new Set(ids.flatMap(id => answers.get(id)?.columns ?? []))];
		const skipped = ids.filter(id => answers.get(id)?.skipped).map(id =>
			`${compared ? `${id}: ` : ''}${answers.get(id).skipped === 1 ? '1 line' :
				`${answers.get(id).skipped} lines`} of stats.jsonl skipped: not readable`);
		message.textContent = [names.length ? '' : 'No values yet.', ...skipped].filter(t => t).join('; ');
		const groups = group_columns(names), titles = new Set(groups.map(g => g.title));
		for (const [title, chart] of charts)
			if (!titles.has(title)) {
				chart.remove();
				charts.delete(title);
			}
		for (const e of grid.querySelectorAll('.skeleton'))
			e.remove();
		const title_of_x = AXES.find(a => a[0] === x.value)[1];
		for (const g of groups) {
			let chart = charts.get(g.title);
			if (!chart) {
				const own = h('select', {onchange: () => {
					set_own(g.title, {smooth: own.value});
					fetch_all();
				}}, SMOOTHING.map(s => option([String(s), s ? `${s} %` : 'none'])));
				own.value = of_chart(g.title).smooth;
				chart = new Chart({...g, link, view: view_of(g.title), changed: change => set_own(g.title, change),
					controls: [h('label', {}, 'Smoothing', own)]});
				charts.set(g.title, chart);
				grid.append(chart.element);
			}
			if (chart.o.x_title !== title_of_x) {
				chart.o.x_title = title_of_x;
				chart.frame = null;
			}
			chart.set_lines(lines_of(g));
		}
	}

	function lines_of(g) {
		const lines = [];
		for (const id of ids)
			g.names.forEach((name, i) => {
				const data = answers.get(id)?.series[name], run = app.live.runs.get(id);
				if (data)
					lines.push({key: `${id} ${name}`, name: compared ? `${id.split('-')[0]} ${name}` : name,
						ink: compared ? run?.colour ?? 0 : i % 8, dash: i % 4, data});
			});
		return lines;
	}

	// ---- start ---------------------------------------------------------------------------------

	let closed = false, zoom_timer = 0;
	const zoom = (app.route.params.zoom ?? '').split('-').map(Number);
	if (zoom.length === 2 && zoom[0] < zoom[1])
		link.zoom = zoom;
	link.addEventListener('zoom', () => {
		app.set_params({zoom: link.zoom ? link.zoom.map(v => Math.max(0, Number(v.toPrecision(6)))).join('-') : ''});
		clearTimeout(zoom_timer);
		zoom_timer = setTimeout(fetch_all, 100);
	});
	show_settings();
	fetch_all();

	function smoother(by) {
		const at = SMOOTHING.indexOf(Number(smooth.value));
		set_all('smooth', String(SMOOTHING[Math.max(0, Math.min(SMOOTHING.length - 1, at + by))]));
	}
	return {
		update: () => {
			show_settings();
			draw();
		},
		changed: () => fetch_all(),
		keys: [[',', 'less smoothing', () => smoother(-1)], ['.', 'more smoothing', () => smoother(1)]],
		close() {
			closed = true;
			for (const chart of charts.values())
				chart.remove();
		},
	};
}
