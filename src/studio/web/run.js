// SPDX-License-Identifier: MIT
//
// run.js -- an open run, or a comparison of the selected ones: head with actions, and tabs.

import {patch, post} from './api.js';
import {open_curves} from './curves.js';
import {h, once_a_frame, state_badge} from './dom.js';
import {open_log} from './log.js';
import {open_options, open_scores} from './tables.js';
import {open_overview} from './overview.js';
import {ask_delete, ask_resume} from './actions.js';
import {give_colour, selected_of} from './runs.js';
import {open_samples} from './samples.js';

const KILL_AFTER_S = 30;

// name, title, for one run, for a comparison, how it opens
const TABS = [
	['overview', 'Overview', true, false, open_overview],
	['curves', 'Curves', true, true, open_curves],
	['samples', 'Samples', true, true, open_samples],
	['options', 'Options', true, true, open_options],
	['scores', 'Scores', true, true, open_scores],
	['log', 'Log', true, false, open_log],
];

export function open_run(app, place, room) {
	let ids = [], tab = '', part = null, compared = false;
	const head = h('div', {class: 'pane-head'}), about = h('p', {class: 'pane-sub'});
	const tabs = h('div', {class: 'tabs', role: 'tablist', 'aria-label': 'Parts of the run'});
	const panel = h('div', {class: 'tab-panel', role: 'tabpanel', id: 'tab-panel', tabindex: '-1'});
	place.append(head, about, tabs, panel);

	const try_to = async what => {
		try {
			await what();
		} catch (e) {
			app.toast([e.message, e.hint].filter(t => t).join(' '), {bad: true});
		}
	};
	const stop = id => try_to(async () => {
		await post(`runs/${id}/stop`);
		await app.live.changed();
	});
	const kill = id => try_to(async () => {
		await post(`runs/${id}/kill`);
		await app.live.changed();
	});
	const run_of = () => compared ? undefined : app.live.runs.get(ids[0]);

	function buttons(run) {
		const button = (name, label, attributes, action) =>
			h('button', {type: 'button', 'data-act': name, ...attributes, onclick: action}, label);
		const parts = [];
		if (run.locked)
			parts.push(button('stop', 'Stop', {disabled: run.stopping_s !== undefined, title: 'Saves and ends (s)'},
				() => stop(run.id)));
		if (run.locked && run.mine && run.stopping_s >= KILL_AFTER_S)
			parts.push(button('kill', 'Kill', {class: 'danger', title: 'Ends it at once; what it did since its ' +
				'last checkpoint is lost'}, () => kill(run.id)));
		if (!run.locked)
			parts.push(button('resume', 'Resume…', {}, () => ask_resume(app, run)));
		parts.push(button('delete', 'Delete…', {disabled: run.locked, title: run.locked ?
			'A run that trains cannot be deleted: stop it first' : 'Moves it to the trash (Del)'},
		() => ask_delete(app, run)));
		return parts;
	}

	function swatches(run) {
		return h('details', {class: 'layer swatches'}, h('summary', {'aria-label': 'Colour of this run',
			title: 'Colour'}, h('i', {class: `dot of-${(run.colour ?? 0) + 1}`})),
		h('div', {class: 'pop'}, [0, 1, 2, 3, 4, 5, 6, 7].map(c => h('button', {type: 'button', class: 'quiet',
			'aria-label': `Colour ${c + 1}`, onclick: e => {
				e.currentTarget.closest('details').open = false;
				try_to(() => patch(`runs/${run.id}`, {colour: c}).then(() => app.live.changed()));
			}}, h('i', {class: `dot of-${c + 1}`})))));
	}

	// Redrawn only if something that it shows changed, so that menus stay open and focus stays.
	let drawn = '';
	function draw_head() {
		const run = run_of();
		const key = JSON.stringify(compared ? ids.map(id => [id, app.live.runs.get(id)?.colour]) : run ?
			[run.id, run.state, run.locked, run.mine, run.colour, run.pinned, run.stopping_s, run.model, run.data] :
			[ids]);
		if (key === drawn)
			return;
		drawn = key;
		const focus = document.activeElement?.dataset?.act;
		const close = h('a', {class: 'button', href: app.link('runs', '', room.list.kept_params()),
			'aria-label': 'Close', title: 'Close'}, '×');
		if (compared) {
			head.replaceChildren(h('h2', {}, `${ids.length} runs compared`), h('span', {class: 'fill'}), close);
			about.replaceChildren(...ids.map(id => h('span', {class: 'chip'}, h('i', {class: `dot of-${
				(app.live.runs.get(id)?.colour ?? 0) + 1}`}), h('a', {href: app.link('runs', id, room.list.kept_params())},
			h('bdi', {}, id)), h('button', {type: 'button', class: 'quiet', 'aria-label': `Take ${id} out`,
				onclick: () => room.toggle(id)}, '×'))));
		} else if (run) {
			head.replaceChildren(swatches(run), h('h2', {title: run.id}, h('bdi', {}, run.id)), state_badge(run),
				run.stopping_s === undefined ? '' : h('span', {class: 'soft', role: 'status'},
					`asked ${run.stopping_s} s ago; saves and ends after this step`),
				h('span', {class: 'fill'}), h('button', {type: 'button', 'data-act': 'pin', 'aria-pressed':
				String(run.pinned), title: 'Pinned runs stay at the top', onclick: () =>
					try_to(() => patch(`runs/${run.id}`, {pinned: !run.pinned}).then(() => app.live.changed()))},
				run.pinned ? '★ Pinned' : '☆ Pin'), ...buttons(run), close);
			about.replaceChildren(h('bdi', {}, run.model), ' on ', h('bdi', {}, run.data));
		} else {
			head.replaceChildren(h('h2', {}, app.live.loaded ? `There is no run ${ids[0].slice(0, 80)} here` :
				'\u00a0'), h('span', {class: 'fill'}), close);
			about.replaceChildren(app.live.loaded ? 'It may have been deleted or moved: see the trash.' : '\u00a0');
		}
		if (focus)
			head.querySelector(`[data-act="${focus}"]`)?.focus();
	}

	function draw_tabs() {
		const some = TABS.filter(t => compared ? t[3] : t[2]);
		if (tabs.children.length !== some.length)
			tabs.replaceChildren(...some.map(([name, title]) => h('button', {type: 'button', role: 'tab', id: `tab-${name}`,
				'aria-controls': 'tab-panel', 'data-tab': name, onclick: () => choose(name), onkeydown: e => {
					const by = {ArrowLeft: -1, ArrowRight: 1}[e.key];
					if (!by)
						return;
					const all = [...tabs.children], next = all[(all.indexOf(e.currentTarget) + by + all.length) % all.length];
					next.focus();
					next.click();
				}}, title)));
		for (const t of tabs.children) {
			t.setAttribute('aria-selected', String(t.dataset.tab === tab));
			t.tabIndex = t.dataset.tab === tab ? 0 : -1;
		}
		panel.setAttribute('aria-labelledby', `tab-${tab}`);
	}

	function choose(name) {
		app.set_params({tab: name});
		update(app.route);
	}

	function update(route) {
		compared = route.id === 'compare';
		const before = ids.join();
		ids = compared ? selected_of(route).filter(id => !app.live.loaded || app.live.runs.has(id)) : [route.id];
		if (compared)
			ids.forEach((id, i) => give_colour(app, id, ids.slice(0, i)));
		const some = TABS.filter(t => compared ? t[3] : t[2]).map(t => t[0]);
		const wanted = some.includes(route.params.tab) ? route.params.tab : some[0];
		draw_head();
		if (wanted !== tab || ids.join() !== before || !part) {
			part?.close?.();
			tab = wanted;
			panel.replaceChildren();
			part = ids.length && (app.live.loaded && ids.every(id => app.live.runs.has(id))) ?
				TABS.find(t => t[0] === tab)[4](app, panel, ids, compared) : null;
		} else {
			part.update?.(route);
		}
		draw_tabs();
		if (!part && app.live.loaded && compared)
			panel.replaceChildren(h('p', {class: 'soft'}, 'Select at least two runs in the list.'));
	}

	const redraw = once_a_frame(() => {
		if (!part || (compared && ids.some(id => !app.live.runs.has(id))))
			update(app.route);
		draw_head();
	});
	const keys = [
		['s', 'stops the run', () => run_of()?.locked ? stop(run_of().id) : false],
		['Delete', 'deletes the run', () => run_of() && !run_of().locked ? ask_delete(app, run_of()) : false],
	];
	return {
		update, get keys() {
			return [...keys, ...part?.keys ?? []];
		},
		changed(detail) {
			redraw();
			if (detail.changed.some(id => ids.includes(id)) || detail.gone.length)
				part?.changed?.(detail);
		},
		close() {
			part?.close?.();
		},
	};
}
