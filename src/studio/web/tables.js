// SPDX-License-Identifier: MIT
//
// tables.js -- the tabs Options and Scores, of one run or of several beside each other.

import {get} from './api.js';
import {h, number} from './dom.js';

const head_of = (app, ids, first) => h('tr', {}, h('th', {scope: 'col'}, first), ids.map(id => h('th', {scope: 'col'},
	ids.length > 1 ? h('i', {class: `dot of-${(app.live.runs.get(id)?.colour ?? 0) + 1}`}) : '',
	' ', h('bdi', {}, ids.length > 1 ? id : 'Value'))));

export function open_options(app, place, ids, compared) {
	const only = h('input', {type: 'checkbox', onchange: () => draw()});
	const label = compared ? 'Only differences' : 'Only changed ones';
	const filter = h('input', {type: 'search', placeholder: 'Search options', 'aria-label': 'Search options', oninput: () => draw()});
	const table = h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Options'}, h('p', {class: 'soft'}, '…'));
	only.checked = compared;
	place.append(h('div', {class: 'row'}, filter, h('label', {class: 'check'}, only, label)), table);
	let rows = [];

	// Rows that differ come first: between the runs, or for one run from the default.
	async function load() {
		const all = await Promise.all(ids.map(id => get(`runs/${id}/about`)));
		const byname = new Map();
		all.forEach((about, i) => {
			for (const o of about.options) {
				if (!byname.has(o.name))
					byname.set(o.name, {name: o.name, help: o.help, group: o.group, default: o.default, values: []});
				byname.get(o.name).values[i] = o.value;
			}
		});
		rows = [...byname.values()];
		for (const row of rows)
			row.differs = compared ? ids.some((id, i) => row.values[i] !== row.values[0]) : row.values[0] !== row.default;
		rows.sort((a, b) => b.differs - a.differs);
		draw();
	}

	function draw() {
		const want = filter.value.toLowerCase();
		const some = rows.filter(r => (!only.checked || r.differs) && `${r.name} ${r.help}`.toLowerCase().includes(want));
		table.replaceChildren(some.length ? h('table', {class: 'plain options'}, h('thead', {}, head_of(app, ids, 'Option')),
			h('tbody', {}, some.map(r => h('tr', {class: r.differs ? 'changed' : ''}, h('th', {scope: 'row', title: r.help}, h('code', {}, r.name),
				h('span', {class: 'soft help'}, r.help)), ids.map((id, i) => h('td', {}, h('bdi', {}, r.values[i] === '' ? 'empty' :
				r.values[i] ?? '–'), r.differs && !compared ? h('span', {class: 'soft'}, ` default ${r.default === '' ? 'empty' :
				r.default}`) : '')))))) : h('p', {class: 'soft'}, rows.length ? (want ? 'No option matches.' : compared ?
			'These runs have equal options.' : 'All options have their default values.') : 'No options.'));
	}
	load().catch(e => table.replaceChildren(h('p', {class: 'problem'}, e.message)));
	return {keys: []};
}

export function open_scores(app, place, ids, compared) {
	const out = h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Scores'});
	place.append(out);

	async function load() {
		const all = await Promise.all(ids.map(async id => (await get(`runs/${id}/about`)).scores));
		const metrics = [...new Set(all.flatMap(scores => scores.map(s => s.metric)))].sort();
		if (!metrics.length) {
			out.replaceChildren(h('p', {class: 'soft'}, compared ? 'None of these runs has scores.' : 'This run has no scores. They are ' +
				'measured during training with the option metrics, or afterwards with ',
			compared ? '' : h('code', {}, `ganymede eval ${ids[0]}`)));
			return;
		}
		const cell = v => typeof v === 'number' ? number(v) : typeof v === 'string' ? v : JSON.stringify(v);
		out.replaceChildren(...(compared ? [h('table', {class: 'plain'}, h('thead', {}, head_of(app, ids, 'Newest score')),
			h('tbody', {}, metrics.map(m => h('tr', {}, h('th', {scope: 'row'}, m), ids.map(id =>
				h('td', {class: 'num'}, number(app.live.runs.get(id)?.scores?.[m])))))))] : metrics.flatMap(m => {
			const {rows} = all[0].find(s => s.metric === m), columns = [...new Set(rows.flatMap(Object.keys))];
			return [h('h3', {}, m), h('table', {class: 'plain'}, h('tr', {}, columns.map(c => h('th', {scope: 'col', class: 'num'}, c))),
				[...rows].reverse().map(r => h('tr', {}, columns.map(c => h('td', {class: 'num'}, c in r ? cell(r[c]) : '')))))];
		})));
	}
	const reload = () => load().catch(e => out.replaceChildren(h('p', {class: 'problem'}, e.message)));
	reload();
	return {changed: reload, keys: []};
}
