// SPDX-License-Identifier: MIT
//
// chart.js -- line charts of training statistics, for the studio and for the page of a run.
//
// A chart draws lines. A line is {key, name, ink: 0..7, dash: 0..3, data}, and data is a series as
// the studio's route /api/runs/ID/stats gives it: the values of a column of stats.jsonl in buckets,
// {x, min, max, mean, last, smooth, n, nan}, where x is the step of the bucket's last value, n the
// number of finite values (without any, min to smooth are null) and nan that of the other values.
// smooth is the debiased mean with weight 2^(-steps/half-life) over all values up to there, not over
// the buckets, so it does not depend on the zoom.
//
// A page without the studio contains, in an element of class charts, a script element of type
// application/json and class chart-data with {"series": {...}} (that answer as JSON, each "<" written
// as \u003c), then this file as an inline module, and after it the call mount_all(document), which
// replaces each such script by charts. So this file must not contain the end tag of a script.

const SVG = 'http://www.w3.org/2000/svg';
const DASHES = ['', '6 3', '2 3', '8 3 2 3'];
const LEFT = 58, RIGHT = 52, TOP = 10, BOTTOM = 36;
const REDRAW_MS = 100;

// Columns of stats.jsonl to charts: the first prefix that matches the name; others stand alone.
const KINDS = [
	{prefix: 'loss', title: 'Losses', help: 'of the nets; in a GAN they need not decrease'},
	{prefix: 'acc_', title: 'Accuracy of D', unit: true,
		help: 'on real and on generated examples; .5 is chance'},
	{prefix: 'grad_', title: 'Gradient norms', help: '2-norm of the gradient of each net'},
	{prefix: 'spread', title: 'Spread', help: 'diversity of samples relative to the data; 1 is equal'},
	{prefix: 'metric_', title: 'Scores', help: 'metrics measured during training'},
	{prefix: 'lr', title: 'Learning rates', help: ''},
];

// [{title, help, unit, names}] for names of columns.
export function group_columns(names) {
	const groups = KINDS.map(kind => ({...kind, names: names.filter(n =>
		KINDS.find(k => n.startsWith(k.prefix)) === kind)})).filter(g => g.names.length);
	for (const n of names)
		if (!KINDS.some(k => n.startsWith(k.prefix)))
			groups.push({title: n, help: '', names: [n]});
	return groups;
}

// ---- numbers -----------------------------------------------------------------------------------

// 4 significant digits, thousands with commas: 0.5, 1,234, 12.35, 2.5e-5
export function number_text(v) {
	if (v === null || v === undefined)
		return '–';
	if (typeof v !== 'number' || !Number.isFinite(v))
		return String(v);
	const size = Math.abs(v);
	if (size !== 0 && (size < 1e-4 || size >= 1e9))
		return v.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e').replace('-', '−');
	if (size >= 1000)
		return Math.round(v).toLocaleString('en-US').replace('-', '−');
	return String(Number(v.toPrecision(4))).replace('-', '−');
}

// 1, 2 or 5 times a power of ten, so that a span has at most `most` of them
export function tick_step(span, most) {
	const raw = span / most, ten = 10 ** Math.floor(Math.log10(raw)), m = raw / ten;
	return ten * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

function ticks_of(low, high, most) {
	const d = tick_step((high - low) || 1, most), ticks = [];
	for (let i = Math.ceil(low / d - 1e-9); i * d <= high + 1e-9 * d; i++)
		ticks.push(Number((i * d).toPrecision(12)));
	return ticks;
}

// Decades, and between few of them 2 and 5 times those; values are log10.
function log_ticks(low, high) {
	const span = high - low, ticks = [];
	const each = Math.max(1, Math.ceil(span / 6));
	for (let ten = Math.floor(low); ten <= high; ten++)
		for (const m of span < 1.5 ? [1, 2, 5] : [1]) {
			const v = ten + Math.log10(m);
			if (v >= low - 1e-9 && v <= high + 1e-9 && ten % each === 0)
				ticks.push(v);
		}
	return ticks.length > 1 ? ticks : ticks_of(low, high, 4);
}

// The index of the x nearest to v in an ascending list.
function nearest(x, v) {
	let low = 0, high = x.length - 1;
	while (low < high) {
		const mid = (low + high) >> 1;
		if (x[mid] < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && v - x[low - 1] <= x[low] - v ? low - 1 : low;
}

// ---- elements ----------------------------------------------------------------------------------

function make(name, attributes, ...children) {
	const e = document.createElement(name);
	for (const [k, v] of Object.entries(attributes ?? {}))
		if (k.startsWith('on'))
			e.addEventListener(k.slice(2), v);
		else if (v === true)
			e.setAttribute(k, '');
		else if (v !== false && v !== null && v !== undefined)
			e.setAttribute(k, v);
	e.append(...children);
	return e;
}

function draw(name, attributes, text) {
	const e = document.createElementNS(SVG, name);
	for (const [k, v] of Object.entries(attributes))
		e.setAttribute(k, typeof v === 'number' ? Number(v.toFixed(1)) : v);
	if (text !== undefined)
		e.textContent = text;
	return e;
}

function save(blob, name) {
	const url = URL.createObjectURL(blob);
	make('a', {href: url, download: name}).click();
	setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// What linked charts share: the visible range of x, and the cursor.
export class Link extends EventTarget {
	zoom = null; // [from, to]
	cursor = null; // x
	set_zoom(zoom) {
		this.zoom = zoom;
		this.dispatchEvent(new Event('zoom'));
	}
	set_cursor(x) {
		if (x === this.cursor)
			return;
		this.cursor = x;
		this.dispatchEvent(new Event('cursor'));
	}
}

let count = 0;

export class Chart {
	// o: {title, help, unit (the y axis is 0 to 1), link, x_title, view: {y: auto|linear|log, raw,
	// clip}, changed(view), controls: elements for the menu}
	constructor(o) {
		this.o = o;
		this.link = o.link ?? new Link();
		this.view = {y: 'auto', raw: true, clip: false, ...o.view};
		this.lines = [];
		this.frame = null;
		this.drawn = 0;
		this.number = ++count;
		this.build();
		this.watch();
	}

	build() {
		const id = `chart-${this.number}`;
		this.outside = make('button', {type: 'button', class: 'chart-outside', hidden: true,
			title: 'Show the whole range', onclick: () => this.set_view({clip: false}, true)});
		this.reset = make('button', {type: 'button', hidden: true, title: 'Show all steps (0)',
			onclick: () => this.link.set_zoom(null)}, 'Reset zoom');
		this.menu = this.build_menu();
		this.sentence = make('p', {id: `${id}-sentence`, class: 'only-read'});
		this.svg = draw('svg', {'aria-hidden': 'true'});
		this.plot = make('div', {class: 'chart-plot', tabindex: '0', role: 'application',
			'aria-roledescription': 'chart', 'aria-label': `${this.o.title}, chart`,
			'aria-describedby': this.sentence.id}, this.svg);
		this.legend = make('div', {class: 'chart-legend', tabindex: '0', role: 'region',
			'aria-label': `Values of ${this.o.title}`});
		this.table = make('div', {class: 'chart-data-table', hidden: true, tabindex: '0',
			role: 'region', 'aria-label': `Data of ${this.o.title}`});
		this.element = make('section', {class: 'chart', 'aria-labelledby': `${id}-title`},
			make('div', {class: 'chart-head'}, make('h3', {id: `${id}-title`, title: this.o.title},
				this.o.title), this.outside, this.reset, this.menu),
			make('p', {class: 'chart-help'}, this.o.help || '\u00a0'), this.plot, this.legend,
			this.sentence, this.table);
	}

	build_menu() {
		const button = (text, action) => make('button', {type: 'button', onclick: action}, text);
		this.y_choice = make('select', {onchange: () => this.set_view({y: this.y_choice.value}, true)},
			...['auto', 'linear', 'log'].map(v => make('option', {value: v}, v)));
		this.raw_box = make('input', {type: 'checkbox',
			onchange: () => this.set_view({raw: this.raw_box.checked}, true)});
		this.clip_box = make('input', {type: 'checkbox',
			onchange: () => this.set_view({clip: this.clip_box.checked}, true)});
		this.sound_line = make('select', {'aria-label': 'Line to play'});
		this.sound_button = button('Play as sound', () => this.play());
		const menu = make('details', {class: 'chart-menu'},
			make('summary', {'aria-label': `Menu of ${this.o.title}`, title: 'Menu'}, '⋯'),
			make('div', {class: 'chart-panel'},
				make('label', {}, 'y axis', this.y_choice),
				make('label', {}, 'Unsmoothed values', this.raw_box),
				make('label', {}, 'Clip outliers', this.clip_box), ...(this.o.controls ?? []),
				make('div', {class: 'chart-buttons'}, button('Zoom in', () => this.zoom_by(0.5)),
					button('Zoom out', () => this.zoom_by(2)),
					button('Data table', () => this.show_table())),
				make('div', {class: 'chart-buttons'}, button('PNG', () => this.save_png()),
					button('SVG', () => this.save_svg()), button('CSV', () => this.save_csv())),
				make('div', {class: 'chart-buttons'}, this.sound_button, this.sound_line)));
		menu.addEventListener('keydown', e => {
			if (e.key === 'Escape' && menu.open) {
				menu.open = false;
				menu.querySelector('summary').focus();
				e.stopPropagation();
			}
		});
		menu.addEventListener('focusout', e => {
			if (e.relatedTarget && !menu.contains(e.relatedTarget))
				menu.open = false;
		});
		return menu;
	}

	watch() {
		this.redraw = () => {
			this.frame = null;
			this.schedule();
		};
		this.move = () => this.draw_cursor();
		this.link.addEventListener('zoom', this.redraw);
		this.link.addEventListener('cursor', this.move);
		this.sizes = new ResizeObserver(() => this.schedule());
		this.sizes.observe(this.plot);
		const x_at = e => this.to_x(e.clientX - this.plot.getBoundingClientRect().left);
		let from = null;
		this.plot.addEventListener('pointerdown', e => {
			if (e.button || !this.frame)
				return;
			from = e.clientX;
			this.plot.setPointerCapture(e.pointerId);
		});
		this.plot.addEventListener('pointermove', e => {
			if (!this.frame)
				return;
			this.link.set_cursor(this.nearest_x(x_at(e)));
			this.draw_selection(from, e.clientX);
		});
		this.plot.addEventListener('pointerup', e => {
			const wide = from !== null && Math.abs(e.clientX - from) > 6;
			const left = this.plot.getBoundingClientRect().left;
			if (wide && this.frame)
				this.link.set_zoom([from, e.clientX].map(x => this.to_x(x - left)).sort((a, b) => a - b));
			from = null;
			this.draw_selection(null);
		});
		this.plot.addEventListener('pointercancel', () => {
			from = null;
			this.draw_selection(null);
		});
		this.plot.addEventListener('pointerleave', () => this.link.set_cursor(null));
		this.plot.addEventListener('blur', () => this.link.set_cursor(null));
		this.plot.addEventListener('dblclick', () => this.link.set_zoom(null));
		this.plot.addEventListener('keydown', e => {
			if (e.key === 'Escape' && from !== null) {
				from = null;
				this.draw_selection(null);
				e.stopPropagation();
			} else {
				this.key(e);
			}
		});
	}

	remove() {
		this.link.removeEventListener('zoom', this.redraw);
		this.link.removeEventListener('cursor', this.move);
		this.sizes.disconnect();
		this.audio?.close();
		clearTimeout(this.timer);
		this.element.remove();
	}

	set_lines(lines) {
		const same = lines.map(l => l.key).join() === this.lines.map(l => l.key).join();
		this.lines = lines;
		if (!same)
			this.frame = null;
		this.schedule();
	}

	set_view(change, by_hand) {
		Object.assign(this.view, change);
		this.frame = null;
		this.schedule();
		if (by_hand)
			this.o.changed?.(change);
	}

	// At most one drawing in REDRAW_MS.
	schedule() {
		if (this.timer)
			return;
		const wait = Math.max(0, this.drawn + REDRAW_MS - performance.now());
		this.timer = setTimeout(() => requestAnimationFrame(() => {
			this.timer = 0;
			this.drawn = performance.now();
			this.draw();
		}), wait);
	}

	// ---- ranges --------------------------------------------------------------------------------

	log_axis(values) {
		if (this.view.y !== 'auto')
			return this.view.y === 'log';
		if (this.o.unit)
			return false;
		let low = Infinity, high = -Infinity;
		for (const v of values) {
			low = Math.min(low, v);
			high = Math.max(high, v);
		}
		return low > 0 && high / low > 1000;
	}

	// Range of the data, extended in steps of 20 % if the one before does not contain it.
	ranges() {
		const zoom = this.link.zoom, values = [];
		let x0 = Infinity, x1 = -Infinity;
		for (const {data} of this.lines)
			for (let i = 0; i < data.x.length; i++) {
				x0 = Math.min(x0, data.x[i]);
				x1 = Math.max(x1, data.x[i]);
				if (data.n[i] && !(zoom && (data.x[i] < zoom[0] || data.x[i] > zoom[1])))
					values.push(...this.view.raw ? [data.min[i], data.max[i]] : [], data.smooth[i]);
			}
		if (x0 > x1)
			[x0, x1] = [0, 1];
		if (x1 === x0)
			[x0, x1] = [Math.min(0, x0), x1 + 1];
		const old = this.frame;
		const log = old ? old.log : this.log_axis(values);
		const scaled = log ? values.filter(v => v > 0).map(Math.log10) : values;
		scaled.sort((a, b) => a - b);
		const cut = this.view.clip ? Math.floor(scaled.length / 100) : 0;
		let y0 = scaled[cut] ?? 0, y1 = scaled[scaled.length - 1 - cut] ?? 1;
		if (this.o.unit && !log)
			[y0, y1] = [Math.min(0, y0), Math.max(1, y1)];
		if (old && !zoom)
			for (let i = 0; x1 > old.x1 && i < 50; i++)
				old.x1 += (old.x1 - old.x0) * 0.2;
		if (old && !this.view.clip)
			for (let i = 0; (y0 < old.low || y1 > old.high) && i < 50; i++) {
				const d = (old.y1 - old.y0) * 0.2;
				if (y0 < old.low)
					[old.low, old.y0] = [old.low - d, old.y0 - d];
				if (y1 > old.high)
					[old.high, old.y1] = [old.high + d, old.y1 + d];
			}
		if (old && y0 >= old.low && y1 <= old.high && (zoom || x1 <= old.x1))
			return old;
		let margin = (y1 - y0) * 0.06;
		if (!(margin > 1e-9 * Math.abs(y1)))
			margin = Math.abs(y1) * 0.2 || 0.5;
		// A curve of values above zero may start at zero, but the axis does not go below.
		const floor = !log && y0 >= 0 && y0 - margin < 0 ? 0 : y0 - margin;
		return {x0: zoom ? zoom[0] : x0, x1: zoom ? zoom[1] : x1, y0: floor, y1: y1 + margin,
			low: Math.min(floor, y0), high: y1, log};
	}

	// Width of the plot in pixels, 0 before it is drawn.
	pixels() {
		return Math.max(0, (this.wide ?? 0) - LEFT - RIGHT);
	}
	to_x(px) {
		const f = this.frame;
		return f.x0 + Math.min(1, Math.max(0, (px - LEFT) / (this.wide - LEFT - RIGHT))) * (f.x1 - f.x0);
	}
	px(x) {
		const f = this.frame;
		return LEFT + (x - f.x0) / (f.x1 - f.x0) * (this.wide - LEFT - RIGHT);
	}
	// Values that a logarithm does not have lie below the plot.
	py(y) {
		const f = this.frame, v = f.log ? (y > 0 ? Math.log10(y) : f.y0 - 1e6) : y;
		const p = this.high - BOTTOM - (v - f.y0) / (f.y1 - f.y0) * (this.high - TOP - BOTTOM);
		return Math.min(1e5, Math.max(-1e5, p));
	}

	// ---- drawing -------------------------------------------------------------------------------

	draw() {
		this.wide = this.plot.clientWidth;
		this.high = this.plot.clientHeight;
		if (!this.wide)
			return;
		this.frame = this.ranges();
		const svg = this.svg, clip = `chart-clip-${this.number}`;
		svg.setAttribute('viewBox', `0 0 ${this.wide} ${this.high}`);
		const path = draw('clipPath', {id: clip});
		path.append(draw('rect', {x: LEFT, y: TOP - 4, width: Math.max(1, this.wide - LEFT - RIGHT),
			height: this.high - TOP - BOTTOM + 4}));
		const curves = draw('g', {'clip-path': `url(#${clip})`}), marks = draw('g', {});
		svg.replaceChildren(path, this.draw_axes(), curves, marks);
		for (const line of this.lines)
			this.draw_line(curves, marks, line);
		this.draw_ends(marks);
		this.over = draw('g', {});
		svg.append(this.over);
		this.count_outside();
		this.reset.hidden = !this.link.zoom;
		this.y_choice.value = this.view.y;
		this.raw_box.checked = this.view.raw;
		this.clip_box.checked = this.view.clip;
		this.draw_cursor();
		this.describe();
	}

	draw_axes() {
		const f = this.frame, g = draw('g', {}), right = this.wide - RIGHT, base = this.high - BOTTOM;
		for (const v of f.log ? log_ticks(f.y0, f.y1) : ticks_of(f.y0, f.y1, 5)) {
			const y = base - (v - f.y0) / (f.y1 - f.y0) * (base - TOP);
			g.append(draw('line', {class: !f.log && v === 0 ? 'zero' : 'grid', x1: LEFT, x2: right,
				y1: y, y2: y}), draw('text', {x: LEFT - 6, y: y + 4, 'text-anchor': 'end'},
				number_text(f.log ? Number((10 ** v).toPrecision(3)) : v)));
		}
		const most = Math.max(2, Math.min(7, Math.floor((right - LEFT) / 64)));
		for (const v of ticks_of(f.x0, f.x1, most))
			g.append(draw('line', {class: 'zero', x1: this.px(v), x2: this.px(v), y1: base, y2: base + 4}),
				draw('text', {x: this.px(v), y: base + 17, 'text-anchor': 'middle'}, number_text(v)));
		g.append(draw('line', {class: 'zero', x1: LEFT, x2: right, y1: base, y2: base}),
			draw('text', {x: (LEFT + right) / 2, y: this.high - 4, 'text-anchor': 'middle'},
				this.o.x_title ?? 'step'));
		return g;
	}

	// The buckets from the last before the view to the first after it.
	visible(data) {
		const f = this.frame;
		let from = 0, to = data.x.length;
		while (from < to - 1 && data.x[from + 1] < f.x0)
			from++;
		while (to > from + 1 && data.x[to - 2] > f.x1)
			to--;
		return [from, to];
	}

	draw_line(curves, marks, line) {
		const data = line.data, [from, to] = this.visible(data), ink = `of-${line.ink + 1}`;
		const path = (of, only) => {
			let d = '', pen = 'M';
			for (let i = from; i < to; i++)
				if (data.n[i]) {
					d += `${pen}${this.px(data.x[i]).toFixed(1)},${this.py(of[i]).toFixed(1)}`;
					pen = 'L';
				} else if (only) {
					pen = 'M';
				}
			return d;
		};
		const points = data.n.filter(n => n).length;
		if (this.view.raw && points > 1) {
			let up = '', down = '';
			for (let i = from; i < to; i++)
				if (data.n[i]) {
					const x = this.px(data.x[i]).toFixed(1);
					up += `${up ? 'L' : 'M'}${x},${this.py(data.max[i]).toFixed(1)}`;
					down = `L${x},${this.py(data.min[i]).toFixed(1)}${down}`;
				}
			if (data.n.some(n => n > 1))
				curves.append(draw('path', {class: `band ${ink}`, d: `${up}${down}Z`}));
			curves.append(draw('path', {class: `raw ${ink}`, d: path(data.mean, true)}));
		}
		if (points > 1)
			curves.append(draw('path', {class: `smooth ${ink}`, d: path(data.smooth),
				'stroke-dasharray': DASHES[line.dash ?? 0]}));
		for (let i = from; i < to; i++) {
			const x = this.px(data.x[i]), y = this.high - BOTTOM;
			if (data.n[i] && points === 1)
				curves.append(draw('circle', {class: `dot ${ink}`, cx: x, cy: this.py(data.last[i]), r: 4}));
			if (data.nan[i] && x >= LEFT && x <= this.wide - RIGHT) {
				const mark = draw('path', {class: 'bad', d: `M${x.toFixed(1)},${y - 9}l5,9h-10Z`,
					'data-step': String(data.x[i])});
				mark.append(draw('title', {}, `${line.name}: ${data.nan[i]} not finite at ${
					this.o.x_title ?? 'step'} ${number_text(data.x[i])}`));
				marks.append(mark);
			}
		}
	}

	// The last smoothed value of up to 8 lines, moved apart where they would overlap.
	draw_ends(marks) {
		const ends = [];
		for (const line of this.lines) {
			const [from, to] = this.visible(line.data);
			let i = to - 1;
			while (i >= from && (!line.data.n[i] || line.data.x[i] > this.frame.x1))
				i--;
			if (i >= from && i >= 0)
				ends.push({line, x: this.px(line.data.x[i]), value: line.data.smooth[i],
					y: Math.min(this.high - BOTTOM, Math.max(TOP, this.py(line.data.smooth[i])))});
		}
		if (ends.length > 8)
			return;
		ends.sort((a, b) => a.y - b.y);
		for (let i = 1; i < ends.length; i++)
			ends[i].text_y = ends[i].y;
		let floor = -Infinity;
		for (const e of ends) {
			e.text_y = Math.max(e.y, floor);
			floor = e.text_y + 13;
		}
		const over = ends.length ? Math.max(0, ends[ends.length - 1].text_y - (this.high - BOTTOM)) : 0;
		for (const e of ends)
			marks.append(draw('circle', {class: `tip of-${e.line.ink + 1}`, r: 2.5, cx: e.x, cy: e.y}),
				draw('text', {class: 'end', x: this.wide - RIGHT + 6, y: e.text_y - over + 4},
					number_text(Number(e.value.toPrecision(3)))));
	}

	count_outside() {
		const f = this.frame;
		let above = 0, below = 0, exact = true;
		for (const {data} of this.lines)
			for (let i = 0; i < data.x.length; i++) {
				if (!data.n[i] || data.x[i] < f.x0 || data.x[i] > f.x1)
					continue;
				const scale = v => f.log ? (v > 0 ? Math.log10(v) : -Infinity) : v;
				const up = scale(data.max[i]) > f.y1, down = scale(data.min[i]) < f.y0;
				above += up;
				below += down;
				exact &&= !((up || down) && data.n[i] > 1);
			}
		const parts = [above && `${above} above`, below && `${below} below`].filter(p => p);
		this.outside.hidden = !parts.length || !(this.view.clip || f.log || this.view.raw);
		this.outside.textContent = `${exact ? '' : 'at least '}${parts.join(', ')}`;
		this.outside.setAttribute('aria-label',
			`${this.outside.textContent} the view; show the whole range`);
	}

	draw_selection(from, to) {
		this.selection?.remove();
		this.selection = null;
		if (from === null || from === undefined || !this.over)
			return;
		const left = this.plot.getBoundingClientRect().left;
		const [a, b] = [from - left, to - left].sort((x, y) => x - y);
		this.selection = draw('rect', {class: 'select', x: a, width: b - a, y: TOP,
			height: this.high - TOP - BOTTOM});
		this.over.append(this.selection);
	}

	draw_cursor() {
		if (!this.frame || !this.over)
			return;
		const x = this.link.cursor, f = this.frame;
		this.over.querySelector('.cursor')?.remove();
		if (x !== null && x >= f.x0 && x <= f.x1)
			this.over.append(draw('line', {class: 'cursor', x1: this.px(x), x2: this.px(x), y1: TOP,
				y2: this.high - BOTTOM}));
		this.draw_legend(x);
	}

	// Values at x, sorted; without a cursor the last ones in the order of the lines.
	rows_at(x) {
		const rows = this.lines.map(line => {
			const {data} = line, i = !data.x.length ? -1 :
				x === null ? data.x.length - 1 : nearest(data.x, x);
			const row = {line, i, bad: data.nan.reduce((a, b) => a + b, 0)};
			if (i < 0)
				return row;
			return {...row, step: data.x[i], smooth: data.smooth[i], n: data.n[i], nan: data.nan[i],
				raw: data.n[i] === 1 ? data.last[i] : data.mean[i], min: data.min[i], max: data.max[i]};
		});
		return x === null ? rows : rows.sort((a, b) => (b.smooth ?? -Infinity) - (a.smooth ?? -Infinity));
	}

	draw_legend(x) {
		const head = make('tr', {}, make('th', {}, make('span', {class: 'only-read'}, 'line')),
			make('th', {}, x === null ? 'last values' : `${this.o.x_title ?? 'step'} ${number_text(x)}`),
			make('th', {}, 'smooth'), make('th', {}, 'value'), make('th', {}, 'min – max'));
		const body = this.rows_at(x).map(r => {
			const key = draw('svg', {class: `chart-key of-${r.line.ink + 1}`, viewBox: '0 0 24 8',
				'aria-hidden': 'true'});
			key.append(draw('path', {class: 'smooth', d: 'M0,4H24',
				'stroke-dasharray': DASHES[r.line.dash ?? 0]}));
			const name = make('td', {title: r.line.name}, make('bdi', {}, r.line.name));
			if (r.bad)
				name.append(make('span', {class: 'bad'}, ` ▲ ${number_text(r.bad)} not finite`));
			const range = r.n > 1 ? `${number_text(r.min)} – ${number_text(r.max)}` : '';
			return make('tr', {}, make('td', {}, key), name, make('td', {}, number_text(r.smooth)),
				make('td', {}, r.nan && !r.n ? 'not finite' : number_text(r.raw)),
				make('td', {}, range));
		});
		this.legend.replaceChildren(make('table', {}, head, ...body));
	}

	// ---- keys ----------------------------------------------------------------------------------

	all_x() {
		const f = this.frame, all = new Set();
		for (const {data} of this.lines)
			for (const x of data.x)
				if (x >= f.x0 && x <= f.x1)
					all.add(x);
		return [...all].sort((a, b) => a - b);
	}

	nearest_x(x) {
		let best = null;
		for (const {data} of this.lines)
			if (data.x.length) {
				const one = data.x[nearest(data.x, x)];
				if (best === null || Math.abs(one - x) < Math.abs(best - x))
					best = one;
			}
		return best;
	}

	zoom_by(factor) {
		const f = this.frame;
		if (!f)
			return;
		const middle = this.link.cursor ?? (f.x0 + f.x1) / 2, wide = (f.x1 - f.x0) * factor;
		if (wide < 1)
			return;
		this.full = this.link.zoom ? this.full : [f.x0, f.x1];
		const from = Math.max(this.full[0], middle - wide / 2);
		const to = Math.min(this.full[1], from + wide);
		this.link.set_zoom(from <= this.full[0] && to >= this.full[1] ? null : [from, to]);
	}

	key(e) {
		const step = e.shiftKey ? 10 : 1, f = this.frame;
		if (!f)
			return;
		const move = by => {
			const all = this.all_x();
			const at = this.link.cursor === null ? (by > 0 ? -1 : all.length) :
				nearest(all, this.link.cursor);
			this.link.set_cursor(all[Math.max(0, Math.min(all.length - 1, at + by))] ?? null);
		};
		const pan = by => {
			if (this.link.zoom)
				this.link.set_zoom(this.link.zoom.map(x => x + by * (f.x1 - f.x0)));
		};
		const actions = {
			ArrowLeft: () => e.ctrlKey ? pan(-0.2) : move(-step),
			ArrowRight: () => e.ctrlKey ? pan(0.2) : move(step),
			Home: () => move(-1e9), End: () => move(1e9),
			'+': () => this.zoom_by(0.5), '=': () => this.zoom_by(0.5), '-': () => this.zoom_by(2),
			0: () => this.link.set_zoom(null), c: () => this.copy(),
			Escape: () => this.link.set_cursor(null),
		};
		if (!actions[e.key] || e.metaKey || e.altKey || (e.ctrlKey && !e.key.startsWith('Arrow')) ||
			(e.key === 'Escape' && this.link.cursor === null))
			return;
		e.preventDefault();
		e.stopPropagation();
		actions[e.key]();
		if (e.key.startsWith('Arrow') || e.key === 'Home' || e.key === 'End')
			this.sentence.textContent = this.text_at(this.link.cursor);
	}

	text_at(x) {
		return `${this.o.x_title ?? 'step'} ${number_text(x)}: ${this.rows_at(x).map(r =>
			`${r.line.name} ${number_text(r.smooth)}`).join(', ')}`;
	}

	copy() {
		const rows = this.rows_at(this.link.cursor).map(r =>
			[r.line.name, r.smooth, r.raw, r.min, r.max, r.step].join('\t'));
		navigator.clipboard?.writeText(['name\tsmooth\tvalue\tmin\tmax\tx', ...rows].join('\n'));
	}

	// ---- other forms ---------------------------------------------------------------------------

	describe() {
		const texts = this.lines.slice(0, 8).map(({name, data}) => {
			const at = data.x.map((x, i) => i).filter(i => data.n[i]);
			const bad = data.nan.reduce((a, b) => a + b, 0), last = at[at.length - 1];
			if (!at.length)
				return bad ? `${name}: ${bad} values, none finite.` : `${name}: no values.`;
			const tenth = at[nearest(at.map(i => data.x[i]),
				data.x[last] - (data.x[last] - data.x[at[0]]) / 10)];
			const low = at.reduce((a, i) => data.min[i] < data.min[a] ? i : a, at[0]);
			return `${name}: last ${number_text(data.smooth[last])}, changed by ${
				number_text(data.smooth[last] - data.smooth[tenth])} over the last tenth, minimum ${
				number_text(data.min[low])} at ${number_text(data.x[low])}, ${bad} not finite.`;
		});
		this.sentence.textContent = texts.join(' ') || 'No values yet.';
		if (this.sound_line.length !== this.lines.length)
			this.sound_line.replaceChildren(...this.lines.map((l, i) => make('option', {value: i}, l.name)));
	}

	// [x, one array of lines' bucket indices] in order
	table_rows() {
		const rows = new Map();
		this.lines.forEach(({data}, l) => data.x.forEach((x, i) => {
			if (!rows.has(x))
				rows.set(x, []);
			rows.get(x)[l] = i;
		}));
		return [...rows].sort((a, b) => a[0] - b[0]);
	}

	show_table() {
		this.table.hidden = !this.table.hidden;
		this.menu.open = false;
		if (this.table.hidden)
			return;
		const cell = ({data}, i) => i === undefined ? '' : !data.n[i] ? 'not finite' :
			number_text(data.n[i] === 1 ? data.last[i] : data.mean[i]);
		this.table.replaceChildren(make('table', {},
			make('tr', {}, make('th', {}, this.o.x_title ?? 'step'),
				...this.lines.map(l => make('th', {}, l.name))),
			...this.table_rows().map(([x, at]) => make('tr', {}, make('th', {scope: 'row'}, number_text(x)),
				...this.lines.map((l, k) => make('td', {}, cell(l, at[k])))))));
		this.table.focus();
	}

	file_name(ending) {
		return `${this.o.title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.${ending}`;
	}

	save_csv() {
		const quote = s => /[",\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s;
		const columns = ['smooth', 'mean', 'min', 'max', 'n', 'nan'];
		const head = ['x', ...this.lines.flatMap(l => columns.map(c => quote(`${l.name} ${c}`)))];
		const rows = this.table_rows().map(([x, at]) => [x, ...this.lines.flatMap((l, k) =>
			columns.map(c => at[k] === undefined ? '' : l.data[c][at[k]] ?? ''))]);
		save(new Blob([[head, ...rows].map(r => r.join(',')).join('\n') + '\n'], {type: 'text/csv'}),
			this.file_name('csv'));
	}

	// The drawing with the page's colours as attributes, so that it needs no style sheet.
	svg_text() {
		const copy = this.svg.cloneNode(true);
		const from = this.svg.querySelectorAll('*'), to = copy.querySelectorAll('*');
		from.forEach((e, i) => {
			const style = getComputedStyle(e);
			for (const k of ['fill', 'stroke', 'stroke-width', 'opacity', 'font-size', 'font-family'])
				to[i].setAttribute(k, style.getPropertyValue(k));
			to[i].removeAttribute('class');
		});
		copy.setAttribute('xmlns', SVG);
		copy.setAttribute('width', this.wide);
		copy.setAttribute('height', this.high + 18 * this.lines.length);
		copy.setAttribute('viewBox', `0 0 ${this.wide} ${this.high + 18 * this.lines.length}`);
		const page = getComputedStyle(this.element), ink = page.color;
		copy.prepend(draw('rect', {width: '100%', height: '100%', fill: page.backgroundColor}));
		this.lines.forEach((line, i) => {
			const probe = this.svg.querySelector(`.of-${line.ink + 1}`);
			const colour = probe ? getComputedStyle(probe).getPropertyValue(
				probe.classList.contains('smooth') ? 'stroke' : 'fill') : ink;
			copy.append(draw('path', {d: `M${LEFT},${this.high + 18 * i + 6}h24`, stroke: colour,
				'stroke-width': '2', 'stroke-dasharray': DASHES[line.dash ?? 0]}),
			draw('text', {x: LEFT + 32, y: this.high + 18 * i + 10, fill: ink, 'font-size': '12',
				'font-family': page.fontFamily}, line.name));
		});
		return new XMLSerializer().serializeToString(copy);
	}

	save_svg() {
		save(new Blob([this.svg_text()], {type: 'image/svg+xml'}), this.file_name('svg'));
	}

	async save_png() {
		const url = URL.createObjectURL(new Blob([this.svg_text()], {type: 'image/svg+xml'}));
		const picture = new Image();
		picture.src = url;
		await picture.decode();
		const canvas = make('canvas', {width: 2 * picture.width, height: 2 * picture.height});
		canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
		URL.revokeObjectURL(url);
		canvas.toBlob(blob => save(blob, this.file_name('png')), 'image/png');
	}

	// 4 seconds; the pitch is the smoothed value, from 220 to 880 Hz; a click for each bucket with
	// values that are not finite.
	play() {
		const line = this.lines[this.sound_line.value || 0], seconds = 4, f = this.frame;
		const playing = this.audio;
		playing?.close();
		this.audio = null;
		this.sound_button.textContent = 'Play as sound';
		if (playing || !line || !f)
			return;
		const audio = this.audio = new AudioContext(), tone = audio.createOscillator();
		const gain = audio.createGain(), start = audio.currentTime + 0.05;
		this.sound_button.textContent = 'Stop sound';
		gain.gain.value = 0.15;
		tone.connect(gain).connect(audio.destination);
		line.data.x.forEach((x, i) => {
			const at = start + seconds * (x - f.x0) / (f.x1 - f.x0);
			if (at < start || at > start + seconds)
				return;
			if (line.data.n[i]) {
				const y = line.data.smooth[i], v = f.log ? Math.log10(Math.max(y, 1e-300)) : y;
				const part = Math.min(1, Math.max(0, (v - f.y0) / (f.y1 - f.y0)));
				tone.frequency.linearRampToValueAtTime(220 * 4 ** part, at);
			}
			if (line.data.nan[i]) {
				const click = audio.createOscillator();
				click.type = 'square';
				click.frequency.value = 60;
				click.connect(gain);
				click.start(at);
				click.stop(at + 0.03);
			}
		});
		tone.start(start);
		tone.stop(start + seconds);
		tone.onended = () => this.audio === audio && this.play();
	}
}

// Charts of one answer of the stats route, linked, into `place`. Returns them.
export function mount(place, answer, options) {
	const link = new Link(), names = Object.keys(answer.series);
	return group_columns(names).map(g => {
		const chart = new Chart({...g, link, ...options});
		chart.set_lines(g.names.map((name, i) => ({key: name, name, ink: i % 8, dash: i % 4,
			data: answer.series[name]})));
		place.append(chart.element);
		return chart;
	});
}

export function mount_all(root) {
	for (const script of root.querySelectorAll('script.chart-data')) {
		mount(script.parentElement, JSON.parse(script.textContent));
		script.remove();
	}
}
