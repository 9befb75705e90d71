// SPDX-License-Identifier: MIT
//
// crop.js -- a part of a photo at the aspect of the run's images, chosen by a box: by pointer or by keyboard.

import {dialog_of} from './actions.js';
import {h} from './dom.js';

const SHOWN = 480, LEAST = 16;

// Asks for a box of a canvas, with sides in the ratio `aspect` (width by height). A promise of {x, y, width, height} in its
// pixels, or null.
export function ask_crop(canvas, aspect) {
	const scale = Math.min(SHOWN / canvas.width, SHOWN / canvas.height);
	const most = Math.floor(Math.min(canvas.width, canvas.height * aspect)), least = Math.min(most, LEAST);
	const view = h('canvas', {width: Math.round(canvas.width * scale), height: Math.round(canvas.height * scale), tabindex: '0',
		class: 'crop', role: 'application', 'aria-label': 'Photo with a box: arrow keys move it, + and - change its size'});
	const size = h('input', {type: 'range', min: least, max: most, 'aria-label': 'Width of the box', oninput: () => fit(Number(size.value))});
	const said = h('p', {class: 'soft', role: 'status'});
	const middle = {x: canvas.width / 2, y: canvas.height / 2}; // not rounded, so that it does not drift
	let box = null, drag = null;

	// A box of this width around the present middle, moved so that it is inside.
	function fit(width, dx = 0, dy = 0) {
		width = Math.max(least, Math.min(most, Math.round(width)));
		const height = Math.max(1, Math.min(canvas.height, Math.round(width / aspect)));
		middle.x = Math.max(width / 2, Math.min(canvas.width - width / 2, middle.x + dx));
		middle.y = Math.max(height / 2, Math.min(canvas.height - height / 2, middle.y + dy));
		box = {width, height, x: Math.floor(middle.x - width / 2), y: Math.floor(middle.y - height / 2)};
		size.value = String(width);
		const g = view.getContext('2d');
		g.drawImage(canvas, 0, 0, view.width, view.height);
		g.fillStyle = 'rgba(0, 0, 0, 0.6)';
		g.fillRect(0, 0, view.width, view.height);
		g.drawImage(canvas, box.x, box.y, width, height, box.x * scale, box.y * scale, width * scale, height * scale);
		g.strokeStyle = '#fff';
		g.strokeRect(box.x * scale + 0.5, box.y * scale + 0.5, width * scale - 1, height * scale - 1);
		said.textContent = `${width} × ${height} pixels from ${box.x}, ${box.y}`;
	}
	view.addEventListener('pointerdown', e => {
		view.setPointerCapture(e.pointerId);
		drag = e;
	});
	view.addEventListener('pointermove', e => {
		if (!drag)
			return;
		const shown = view.getBoundingClientRect().width / canvas.width; // CSS pixels for one of the photo
		const x = Math.round((e.clientX - drag.clientX) / shown), y = Math.round((e.clientY - drag.clientY) / shown);
		if (x || y) {
			drag = e;
			fit(box.width, x, y);
		}
	});
	view.addEventListener('pointerup', () => {
		drag = null;
	});
	view.addEventListener('keydown', e => {
		const step = e.shiftKey ? 8 : 1;
		const [x, y, more] = {ArrowLeft: [-step, 0, 0], ArrowRight: [step, 0, 0], ArrowUp: [0, -step, 0], ArrowDown: [0, step, 0],
			'+': [0, 0, step], '-': [0, 0, -step]}[e.key] ?? [];
		if (x === undefined)
			return;
		e.preventDefault();
		fit(box.width + more, x, y);
	});
	return new Promise(done => {
		const close = value => {
			done(value);
			dialog.close();
		};
		const dialog = dialog_of('Crop the photo', view, h('label', {class: 'row'}, 'Size ', size), said, h('div', {class: 'row end'},
			h('button', {type: 'button', onclick: () => close(null)}, 'Cancel'),
			h('button', {type: 'button', class: 'primary', onclick: () => close(box)}, 'Crop')));
		dialog.addEventListener('close', () => done(null));
		fit(most);
		view.focus();
	});
}
