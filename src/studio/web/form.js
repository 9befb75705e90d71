// SPDX-License-Identifier: MIT
//
// form.js -- a new run: a model or a recipe, and rows of the option table. The studio checks each
// change as the command line does, with a dry run; what was changed is in the address.

import {get, newest, post} from './api.js';
import {bytes_text, copy_button, h, number} from './dom.js';

const GROUPS = {
	Length: 'how long it trains', Data: 'what it trains on', Game: 'objective, optimiser and rates', Net: 'the nets',
	Records: 'what it writes down, and when',
};
const OPEN = ['Length', 'Data'];
const FIRST = {Data: ['data', 'size'], Length: ['steps'], Game: ['lr', 'batch', 'seed'], Records: ['ema']};

export function open_form(app, place) {
	let models = null, sets = [], problems = [], checked = null, rows = new Map();
	const model = h('select', {id: 'model', onchange: () => choose(model.value)});
	const about = h('p', {class: 'soft'}), search = h('input', {type: 'search', placeholder: 'Search options',
		'aria-label': 'Search options', oninput: () => show_rows()});
	const only = h('input', {type: 'checkbox', onchange: () => show_rows()});
	const groups = h('div', {}), summary = h('div', {class: 'facts small'}), general = h('div', {role: 'alert'});
	const command = h('code', {tabindex: '0'}), start = h('button', {type: 'button', class: 'primary', title: 'Ctrl+Enter', onclick: () =>
		begin()}, 'Start');
	const state = h('p', {class: 'soft', role: 'status'});
	place.append(h('div', {class: 'pane-head'}, h('h2', {}, 'New run'), h('span', {class: 'fill'}),
		h('a', {class: 'button', href: app.link('runs', ''), 'aria-label': 'Close', title: 'Close'}, '×')),
	h('div', {class: 'form'}, h('div', {class: 'form-rows'}, h('div', {class: 'row'}, h('label', {for: 'model'}, 'Model or recipe'), model),
		about, h('div', {class: 'row'}, search, h('label', {class: 'check'}, only, 'Only changed')), groups),
	h('aside', {class: 'card form-side', 'aria-label': 'Summary'}, summary, general, h('h3', {}, 'Command'),
		h('div', {class: 'command'}, command, copy_button('Copy command', () => command.textContent)), state, start)));

	// The options that differ, as in the address: every parameter but model and the list's own ones.
	const OURS = new Set(['model', 'recipe', 'sel', 'sort', 'q', 'tab']);
	const given = () => Object.fromEntries(Object.entries(app.route.params).filter(([k]) => k.startsWith('o.') && !OURS.has(k))
		.map(([k, v]) => [k.slice(2), v === '\u2205' ? '' : v]));
	// An empty text is an option's value too, but not a parameter's.
	// The value of an option that is not given: that of the recipe, if there is one and it has it.
	const base_of = row => models.recipes.find(r => r.name === app.route.params.recipe)?.options[row.name] ??
		row.default;
	const set_option = (name, text) => app.set_params({[`o.${name}`]: text === null ? '' : text === '' ? '\u2205' : text});

	function body() {
		const options = given(), recipe = app.route.params.recipe;
		return recipe ? {recipe, options} : {model: app.route.params.model ?? 'dcgan', options};
	}

	// ---- rows ----------------------------------------------------------------------------------

	function control(row, id) {
		const about_ids = `${id}-help ${id}-problem`;
		if (row.choices && (row.kind === 'choice' || row.kind === 'flag') && !row.sum) {
			const e = h('select', {id, 'aria-describedby': about_ids},
				[...new Set([base_of(row), row.default, ...row.choices])].map(c => h('option', {value: c}, c || 'empty')));
			e.addEventListener('change', () => changed(row, e.value));
			return e;
		}
		const list = row.name === 'data' ? 'data-sets' : null;
		const e = h('input', {id, 'aria-describedby': about_ids, autocomplete: 'off', spellcheck: 'false', maxlength: 256, list,
			inputmode: ['int', 'u64'].includes(row.kind) ? 'numeric' : null, placeholder:
				base_of(row) === '' ? 'empty' : null});
		e.addEventListener('change', () => changed(row, e.value.trim()));
		e.addEventListener('input', () => {
			start.disabled = true; // until it is checked
			e.closest('.option').classList.toggle('changed', e.value !== base_of(row));
		});
		return e;
	}

	function range_of(row) {
		if (row.choices)
			return row.sum ? `, of ${row.choices.join(', ')}` : '';
		if (row.low === undefined)
			return '';
		const most = row.high >= 1e15 || (row.kind === 'int' && row.high >= 2 ** 31 - 1);
		return most ? `, at least ${number(row.low)}` : `, from ${number(row.low)} to ${number(row.high)}`;
	}

	function option_row(row) {
		const id = `o-${row.name}`, input = control(row, id);
		const reset = h('button', {type: 'button', class: 'quiet', hidden: true, title: app.route.params.recipe ? 'As in the recipe' :
			`Back to the default ${row.default || 'empty'}`,
			'aria-label': `Reset ${row.name}`, onclick: () => {
				changed(row, base_of(row));
				input.focus();
			}}, '↺');
		const problem = h('p', {class: 'problem', id: `${id}-problem`});
		const element = h('div', {class: 'option'}, h('label', {for: id}, row.name), h('div', {class: 'value-cell'}, input, reset),
			h('p', {class: 'soft help', id: `${id}-help`}, row.help, h('span', {}, `${range_of(row)}${row.default !== '' ?
				`; default ${row.default}` : ''}${row.only ? `; only ${row.only}` : ''}`)), problem);
		rows.set(row.name, {row, element, input, reset, problem});
		return element;
	}

	function set_row(row, text) {
		const r = rows.get(row.name);
		r.input.value = text;
		r.element.classList.toggle('changed', text !== base_of(row));
		r.reset.hidden = text === base_of(row);
	}

	function changed(row, text) {
		set_option(row.name, text === base_of(row) ? null : text);
		set_row(row, text);
		check();
	}

	function show_rows() {
		const want = search.value.toLowerCase();
		for (const {row, element} of rows.values())
			element.hidden = !(`${row.name} ${row.help}`.toLowerCase().includes(want) &&
				(!only.checked || element.classList.contains('changed') || element.classList.contains('wrong')));
		for (const d of groups.children) {
			const n = d.querySelectorAll('.option:not([hidden])').length;
			d.hidden = !n;
			if (want || only.checked)
				d.open = true;
			const k = d.querySelectorAll('.option.changed').length, wrong = d.querySelectorAll('.option.wrong').length;
			d.querySelector('.count').textContent = [k && `${k} changed`, wrong && `${wrong} wrong`].filter(t => t).join(', ');
			if (wrong)
				d.open = true;
		}
	}

	// ---- model ---------------------------------------------------------------------------------

	function choose(value) {
		const [kind, name] = value.split(/:(.*)/s);
		for (const k of Object.keys(app.route.params))
			if (k.startsWith('o.') && (kind === 'recipe' || app.route.params.recipe))
				app.set_params({[k]: ''});
		app.set_params(kind === 'recipe' ? {recipe: name, model: ''} : {model: name, recipe: ''});
		build();
	}

	function build() {
		const {params} = app.route, recipe = models.recipes.find(r => r.name === params.recipe);
		const chosen = models.models.find(m => m.name === (recipe?.model ?? params.model)) ??
			models.models.find(m => m.name === 'dcgan') ?? models.models[0];
		if (!recipe && params.model !== chosen.name) {
			if (params.model)
				app.toast(`There is no model "${params.model.slice(0, 40)}"; ${chosen.name} is shown.`);
			app.set_params({model: chosen.name, recipe: ''});
		}
		model.value = recipe ? `recipe:${recipe.name}` : `model:${chosen.name}`;
		about.textContent = recipe ? recipe.about : `${chosen.title}, ${chosen.source}`;
		const known = new Set(chosen.options.map(o => o.name)), unknown = Object.keys(given()).filter(n => !known.has(n));
		for (const n of unknown)
			app.set_params({[`o.${n}`]: ''});
		if (unknown.length)
			app.toast(`${chosen.name} has no option ${unknown.join(', ').slice(0, 80)}: left out.`);
		rows = new Map();
		const order = Object.keys(GROUPS).filter(g => models.groups.includes(g));
		groups.replaceChildren(...order.map(g => {
			const first = FIRST[g] ?? [], of = o => first.includes(o.name) ? first.indexOf(o.name) : 99;
			const some = chosen.options.filter(o => o.group === g).sort((a, b) => of(a) - of(b));
			return h('details', {class: 'group', open: OPEN.includes(g)}, h('summary', {}, h('b', {}, g), ' ', h('span', {class: 'soft'}, GROUPS[g]),
				h('span', {class: 'count'})), some.map(option_row));
		}));
		const set = given();
		for (const {row} of rows.values())
			set_row(row, set[row.name] ?? base_of(row));
		show_rows();
		check();
	}

	// ---- checking and starting -----------------------------------------------------------------

	const ask = newest(async what => ({what, got: await post('runs?dry=1', JSON.parse(what))}));

	async function check() {
		const what = JSON.stringify(body());
		checked = null;
		start.disabled = true;
		state.textContent = 'checking';
		try {
			const answer = await ask(what);
			if (!answer || answer.what !== JSON.stringify(body()))
				return false;
			checked = what;
			show_check(answer.got);
			return !problems.length;
		} catch (e) {
			show_check({problems: [{field: e.field, message: [e.message, e.hint].filter(t => t).join(' ')}], command: command.textContent});
			return false;
		}
	}

	function show_check(got) {
		problems = got.problems;
		const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
		const nets = Object.entries(got.parameters ?? {});
		summary.replaceChildren(...nets.map(([k, v]) => fact(`Parameters of ${k}`, number(v))),
			...(got.bytes ? [fact('Memory', bytes_text(got.bytes))] : []));
		for (const {element, input, problem} of rows.values()) {
			problem.textContent = '';
			element.classList.remove('wrong');
			input.removeAttribute('aria-invalid');
		}
		const elsewhere = [];
		for (const p of problems) {
			const r = rows.get(p.field);
			if (!r) {
				elsewhere.push(p.message);
				continue;
			}
			r.problem.textContent = p.message;
			r.element.classList.add('wrong');
			r.input.setAttribute('aria-invalid', 'true');
		}
		const here = [...new Set(problems.map(p => p.field).filter(f => rows.has(f)))];
		general.replaceChildren(...elsewhere.map(m => h('p', {class: 'problem'}, m)), h('div', {class: 'problems'}, here.map(f =>
			h('button', {type: 'button', title: `To the field ${f}`, onclick: () => {
				rows.get(f).element.closest('details').open = true;
				rows.get(f).input.focus();
			}}, f))));
		command.textContent = got.command;
		state.textContent = problems.length ? `${problems.length === 1 ? 'One problem' : `${problems.length} problems`} to solve` : 'ready';
		start.disabled = problems.length > 0;
		show_rows();
	}

	async function begin() {
		document.activeElement?.blur?.(); // a field that is being written in takes its value
		if (checked !== JSON.stringify(body()) && !await check())
			return;
		if (problems.length) {
			rows.get(problems[0].field)?.input.focus();
			return;
		}
		start.disabled = true;
		try {
			const got = await post('runs?dry=0', body());
			await app.live.changed();
			if (got.id) {
				app.go('runs', got.id, {});
			} else {
				app.toast('Another run trains. This one waits its turn: see the list at the top.');
				start.disabled = false;
			}
		} catch (e) {
			show_check({problems: [{field: e.field, message: [e.message, e.hint].filter(t => t).join(' ')}], command: command.textContent});
		}
	}

	async function load() {
		[models, {sets}] = await Promise.all([get('models'), get('data')]);
		const item = kind => m => h('option', {value: `${kind}:${m.name}`}, `${m.name}${m.title ? ` – ${m.title}` : ''}`);
		model.replaceChildren(h('optgroup', {label: 'Models'}, models.models.map(item('model'))),
			...(models.recipes.length ? [h('optgroup', {label: 'Recipes'}, models.recipes.map(item('recipe')))] : []));
		place.append(h('datalist', {id: 'data-sets'}, sets.map(s => h('option', {value: s.name}, s.about))));
		build();
	}
	groups.append(...[1, 2, 3, 4].map(() => h('div', {class: 'skeleton tall'}, h('i', {}))));
	load().catch(e => general.replaceChildren(h('p', {class: 'problem'}, e.message)));
	return {update: () => {}, keys: [['Ctrl+Enter', 'starts the run', () => begin()]]};
}
