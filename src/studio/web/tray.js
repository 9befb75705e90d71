// SPDX-License-Identifier: MIT
//
// tray.js -- what the studio trains now and what waits, in the header of every room.

import {post, remove} from './api.js';
import {bar, duration, h, once_a_frame, progress} from './dom.js';

export function open_tray(app, place) {
	const summary = h('summary', {}), list = h('ul', {});
	const tray = h('details', {class: 'layer tray', hidden: true}, summary, list);
	place.append(tray);

	const act = async (what, done) => {
		try {
			await what();
			app.toast(done);
			app.live.changed();
		} catch (e) {
			app.toast(e.message, {bad: true});
		}
	};
	const draw = once_a_frame(() => {
		const running = [...app.live.runs.values()].filter(r => r.state === 'running');
		const {waiting} = app.live, focus = document.activeElement?.dataset?.tray;
		tray.hidden = !running.length && !waiting.length;
		if (tray.hidden)
			tray.open = false;
		summary.textContent = [running.length && `${running.length} running ${
			Math.floor(100 * progress(running[0] ?? {}))} %`,
		waiting.length && `${waiting.length} waiting`].filter(t => t).join(', ');
		list.replaceChildren(...running.map(r => h('li', {},
			h('a', {href: app.link('runs', r.id)}, h('bdi', {}, r.id)), bar(r),
			h('span', {class: 'soft'}, r.left_s > 0 ? `${duration(r.left_s)} left` : ''),
			h('button', {type: 'button', 'data-tray': `stop ${r.id}`, disabled: r.stopping_s !== undefined,
				'aria-label': `Stop ${r.id}`, onclick: () => act(() => post(`runs/${r.id}/stop`),
					`${r.id} saves and ends.`)}, 'Stop'))),
		...waiting.map(w => h('li', {}, h('span', {}, h('bdi', {}, w.model), ` waits (${
			Object.keys(w.options ?? {}).length} options set)`),
		h('button', {type: 'button', 'data-tray': `forget ${w.number}`, 'aria-label': `Cancel waiting ${w.model}`,
			onclick: () => act(() => remove(`waiting/${w.number}`), 'It does not wait any longer.')},
		'Cancel'))));
		if (focus)
			list.querySelector(`[data-tray="${CSS.escape(focus)}"]`)?.focus();
	});
	app.live.addEventListener('runs', draw);
	draw();
}
