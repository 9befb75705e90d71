// SPDX-License-Identifier: MIT
//
// dom.js -- elements, and numbers as text.

import {number_text} from './chart.js';

// h('button', {class: 'x', onclick: f, disabled: true}, 'text', child): texts are never parsed.
export function h(name, attributes, ...children) {
	const e = document.createElement(name);
	for (const [k, v] of Object.entries(attributes ?? {}))
		if (k.startsWith('on'))
			e.addEventListener(k.slice(2), v);
		else if (k === 'value')
			e.value = v;
		else if (v === true)
			e.setAttribute(k, '');
		else if (v !== false && v !== null && v !== undefined)
			e.setAttribute(k, v);
	e.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
	return e;
}

export const number = number_text;

export function bytes_text(n) {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let u = 0;
	while (n >= 1000 && u < 4) {
		n /= 1000;
		u++;
	}
	return `${u ? n.toPrecision(3) : n} ${units[u]}`;
}

// 42 s, 3:07, 1:05:00
export function duration(seconds) {
	const s = Math.round(seconds);
	if (s < 60)
		return `${s} s`;
	const two = n => String(n).padStart(2, '0');
	const m = Math.floor(s / 60);
	return m < 60 ? `${m}:${two(s % 60)}` : `${Math.floor(m / 60)}:${two(m % 60)}:${two(s % 60)}`;
}

export function when(seconds) {
	const d = new Date(seconds * 1000), two = n => String(n).padStart(2, '0');
	return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${
		two(d.getMinutes())}`;
}

// A state is shown by word and shape, not only by colour.
const SHAPES = {running: '▶', finished: '✓', stopped: '■', failed: '✕', killed: '†'};

export function state_badge(run) {
	const word = run.stopping_s === undefined ? run.state : 'stopping';
	return h('span', {class: `badge ${word}`},
		h('span', {'aria-hidden': 'true'}, `${SHAPES[word] ?? '…'} `), word);
}

export function progress(run) {
	return run.total > 0 ? Math.min(1, run.step / run.total) : 0;
}

export function bar(run) {
	const e = h('progress', {max: '1', 'aria-label': `Progress of ${run.id}`});
	e.value = progress(run);
	return e;
}

// Calls f at most once a frame.
export function once_a_frame(f) {
	let waiting = false;
	return () => {
		if (waiting)
			return;
		waiting = true;
		requestAnimationFrame(() => {
			waiting = false;
			f();
		});
	};
}

// Copies, and says so on the button.
export function copy_button(label, text) {
	const b = h('button', {type: 'button', onclick: async () => {
		await navigator.clipboard.writeText(typeof text === 'function' ? text() : text);
		b.textContent = 'Copied';
		setTimeout(() => b.textContent = label, 1500);
	}}, label);
	return b;
}
