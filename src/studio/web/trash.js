// SPDX-License-Identifier: MIT
//
// trash.js -- deleted runs: OUTDIR/.trash.

import {get, post, remove} from './api.js';
import {bytes_text, h} from './dom.js';

// Moves a run to the trash and offers to take that back.
export async function delete_run(app, id) {
	await remove(`runs/${id}`, id);
	app.toast(`${id} is in the trash.`, {seconds: 10, action: {label: 'Undo', run: () => restore(app, id)}});
	await app.live.changed();
}

async function restore(app, id) {
	try {
		await post(`trash/${id}/restore`);
		app.toast(`${id} is back.`);
	} catch (e) {
		app.toast(e.message, {bad: true});
	}
	await app.live.changed();
}

export function open_trash(app, place) {
	const list = h('ul', {class: 'trash'}), total = h('p', {class: 'soft'});
	const empty = h('button', {type: 'button', class: 'danger', onclick: () => confirm_empty()}, 'Delete for ever…');
	place.append(h('div', {class: 'pane-head'}, h('h2', {}, 'Trash'), h('span', {class: 'fill'}), empty,
		h('a', {class: 'button', href: app.link('runs', '')}, 'Close')), total, list);

	async function draw() {
		try {
			const {runs} = await get('trash');
			empty.disabled = !runs.length;
			total.textContent = runs.length ? `${runs.length} deleted runs, ${bytes_text(runs.reduce((a, r) =>
				a + r.bytes, 0))} in the folder .trash of ${app.hello.outdir}.` : 'The trash is empty.';
			list.replaceChildren(...runs.map(r => h('li', {}, h('bdi', {}, r.id),
				h('span', {class: 'soft'}, bytes_text(r.bytes)),
				h('button', {type: 'button', 'aria-label': `Restore ${r.id}`, onclick: async () => {
					await restore(app, r.id);
					draw();
				}}, 'Restore'))));
		} catch (e) {
			total.textContent = e.message;
		}
	}

	function confirm_empty() {
		const dialog = h('dialog', {'aria-label': 'Empty the trash', onclose: () => dialog.remove()},
			h('h2', {}, 'Empty the trash?'), h('p', {}, `${total.textContent} They cannot be brought back.`),
			h('form', {method: 'dialog', class: 'row'}, h('button', {}, 'Keep them'),
				h('button', {class: 'danger', onclick: async () => {
					try {
						const {freed} = await remove('trash', 'all');
						app.toast(`${bytes_text(freed)} freed.`);
					} catch (e) {
						app.toast(e.message, {bad: true});
					}
					draw();
				}}, 'Delete for ever')));
		document.body.append(dialog);
		dialog.showModal();
	}
	return {update: draw, keys: []};
}
