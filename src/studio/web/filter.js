// SPDX-License-Identifier: MIT
//
// filter.js -- which runs the list shows, and in which order. A filter is words that must all hold:
//	glyphs           a part of the name, the model, the data, the state or the note
//	lr:0.001         an option, or model, data, state, has this value
//	lr<0.01  lr>1e-4  lr<=..  lr>=..  a number: an option, step, total, seen, a last value or a score
//	-word            not
// Options with their default value are not known to the list, so they match nothing.

export const FILTER_LENGTH = 200;

const number_of = v => v === '' || v === null || v === undefined ? NaN : Number(v);

function value_of(run, name) {
	if (name in run.options)
		return run.options[name];
	if (['model', 'data', 'state', 'id', 'note', 'step', 'total', 'seen', 'bytes', 'per_second'].includes(name))
		return run[name];
	return run.last?.[name] ?? run.scores?.[name];
}

function test_of(word) {
	if (word.length > 1 && word[0] === '-' && Number.isNaN(Number(word))) {
		const test = test_of(word.slice(1));
		return run => !test(run);
	}
	const parts = /^([^:<>=]+)(:|<=|>=|<|>|=)(.+)$/.exec(word);
	if (!parts) {
		const low = word.toLowerCase();
		return run => run.text.includes(low);
	}
	const [, name, sign, text] = parts, want = number_of(text);
	if (sign === ':' || sign === '=')
		return run => {
			const v = value_of(run, name);
			return v !== undefined && v !== null && (String(v).toLowerCase() === text.toLowerCase() ||
				(!Number.isNaN(want) && number_of(v) === want));
		};
	const compare = {'<': (a, b) => a < b, '>': (a, b) => a > b, '<=': (a, b) => a <= b,
		'>=': (a, b) => a >= b}[sign];
	return run => compare(number_of(value_of(run, name)), want);
}

// The text that words are looked for in.
export function searchable(run) {
	return [run.id, run.model, run.data, run.state, run.note].join('\n').toLowerCase();
}

// rows: runs with the text of `searchable` as .text
export function filter_runs(rows, filter) {
	const tests = filter.trim().split(/\s+/).filter(w => w).map(test_of);
	return rows.filter(run => tests.every(test => test(run)));
}

const KEYS = {
	newest: run => -parseInt(run.id, 10),
	name: run => run.id.replace(/^\d+-/, ''),
	state: run => run.state,
	model: run => run.model,
	data: run => run.data,
	progress: run => -(run.total ? run.step / run.total : 0),
	speed: run => -run.per_second,
	size: run => -run.bytes,
};

// sort: a key of KEYS, or the name of a logged value or score; "-" in front reverses. Pinned first.
export function sort_runs(rows, sort) {
	const reversed = sort[0] === '-', name = reversed ? sort.slice(1) : sort;
	const key = Object.hasOwn(KEYS, name) ? KEYS[name] : run => {
		const v = number_of(value_of(run, name));
		return Number.isNaN(v) ? Infinity : v;
	};
	const keyed = rows.map(run => ({run, key: key(run)}));
	keyed.sort((a, b) => (b.run.pinned ? 1 : 0) - (a.run.pinned ? 1 : 0) ||
		(reversed ? -1 : 1) * (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) ||
		(a.run.id < b.run.id ? 1 : -1));
	return keyed.map(k => k.run);
}
