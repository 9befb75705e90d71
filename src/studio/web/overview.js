// SPDX-License-Identifier: MIT
//
// overview.js -- the first tab of a run: where it stands, its newest samples, notes, files.

import {get, patch} from './api.js';
import {bar, bytes_text, copy_button, duration, h, number, once_a_frame, progress, when} from './dom.js';
import {picture_element, list_pictures} from './pictures.js';

const NOTE_LENGTH = 2000;

export function open_overview(app, place, [id]) {
	const facts = h('dl', {class: 'facts'}), trouble = h('div', {}), state = h('div', {class: 'state-row'});
	const pictures = h('div', {class: 'pictures newest'}), files = h('div', {});
	const note = h('textarea', {id: 'note', rows: '3', maxlength: NOTE_LENGTH, placeholder: 'What this run is for'});
	const saved = h('span', {class: 'soft', role: 'status'});
	note.value = app.live.runs.get(id)?.note ?? '';
	note.addEventListener('change', async () => {
		try {
			await patch(`runs/${id}`, {note: note.value});
			saved.textContent = 'saved';
			app.live.changed();
		} catch (e) {
			saved.textContent = e.message;
		}
	});
	const tell = h('button', {type: 'button', onclick: () => tell_end(app, id, tell)}, 'Tell me when it ends');
	// Shown when the pictures above it have their size, so that nothing moves.
	const rest = h('div', {hidden: true}, h('h3', {}, h('label', {for: 'note'}, 'Note')), note, saved, files);
	place.append(state, trouble, facts, h('h3', {}, 'Newest samples'), pictures, rest);

	function fact(name, value) {
		return value === '' ? null : h('div', {}, h('dt', {}, name), h('dd', {}, h('bdi', {}, value)));
	}

	function draw() {
		const run = app.live.runs.get(id);
		if (!run)
			return;
		const running = run.state === 'running';
		if (!state.firstChild)
			state.append(bar(run), h('span', {class: 'num'}), tell);
		state.children[0].value = progress(run);
		state.children[1].textContent = `${Math.floor(100 * progress(run))} %`;
		tell.hidden = !running || !('Notification' in window);
		trouble.replaceChildren(run.trouble ? h('p', {class: 'note bad'}, h('bdi', {}, run.trouble)) : '',
			run.state === 'killed' ? h('p', {class: 'note'}, 'Nobody trains here: the program ended without saying so. ' +
				'Resume goes on from the newest checkpoint.') : '');
		facts.replaceChildren(...[fact('Step', `${number(run.step)} of ${number(run.total)}`),
			fact('Examples seen', number(run.seen)), fact('Examples a second', run.per_second > 0 ? number(run.per_second) : ''),
			fact('Time left', running && run.left_s > 0 ? duration(run.left_s) : ''),
			fact('Started', run.started > 0 ? when(run.started) : ''), fact('Size', bytes_text(run.bytes)),
			...Object.entries(run.last ?? {}).map(([k, v]) => fact(k, number(v))),
			...Object.entries(run.scores ?? {}).map(([k, v]) => fact(`score ${k}`, number(v)))].filter(f => f));
		if (document.activeElement !== note && note.value !== run.note)
			note.value = run.note;
	}

	let shown = '', about_at = '';
	async function draw_pictures() {
		const {kinds} = await list_pictures(id), fakes = kinds.find(k => k.name === 'fakes') ??
			kinds.find(k => k.name !== 'reals'), reals = kinds.find(k => k.name === 'reals');
		const newest = fakes?.steps.at(-1), key = `${newest}|${Boolean(reals)}`;
		if (key === shown)
			return;
		shown = key;
		const parts = [];
		if (fakes)
			parts.push(picture_element(id, fakes.name, newest, newest ? `samples, step ${number(newest)}` : 'samples before training'));
		if (reals)
			parts.push(picture_element(id, 'reals', 0, 'training data'));
		pictures.replaceChildren(...(parts.length ? await Promise.all(parts) : [h('p', {class: 'soft'}, 'No samples yet.')]));
	}

	async function draw_files() {
		const run = app.live.runs.get(id), key = `${run?.state}`;
		if (key === about_at)
			return;
		about_at = key;
		const about = await get(`runs/${id}/about`);
		files.replaceChildren(
			about.title ? h('p', {class: 'soft'}, `${about.title}, ${about.source}`) : '',
			h('h3', {}, 'Command'), h('div', {class: 'command'}, h('code', {tabindex: '0'}, h('bdi', {}, about.command)),
				copy_button('Copy command', about.command)),
			h('h3', {}, 'Folder'), h('div', {class: 'command'}, h('code', {tabindex: '0'}, h('bdi', {}, about.folder)),
				copy_button('Copy path', about.folder)),
			h('h3', {}, 'Checkpoints'), about.checkpoints.length ? h('table', {class: 'plain'}, h('tr', {}, h('th', {}, 'File'),
				h('th', {class: 'num'}, 'Step'), h('th', {class: 'num'}, 'Size')), [...about.checkpoints].sort((a, b) =>
				b.step - a.step).map(c => h('tr', {}, h('td', {}, c.name), h('td', {class: 'num'}, c.step ? number(c.step) : ''),
				h('td', {class: 'num'}, bytes_text(c.bytes))))) : h('p', {class: 'soft'}, 'None yet.'));
	}

	const tell_failure = e => app.toast(e.message, {bad: true});
	const redraw = once_a_frame(() => {
		draw();
		draw_pictures().catch(tell_failure).then(draw_files).catch(tell_failure).then(() => {
			rest.hidden = false;
		});
	});
	draw();
	redraw();
	return {changed: redraw, keys: []};
}

// A message of the browser when the run is not running any longer. A hidden tab gives the stream of
// events to others, so it asks by itself.
async function tell_end(app, id, button) {
	if (await Notification.requestPermission() !== 'granted') {
		app.toast('The browser does not allow messages of this page.', {bad: true});
		return;
	}
	button.textContent = 'You will be told';
	button.disabled = true;
	const timer = setInterval(async () => {
		await app.live.refresh();
		const run = app.live.runs.get(id);
		if (run?.state === 'running')
			return;
		clearInterval(timer);
		new Notification(`${id}: ${run?.state ?? 'gone'}`, {body: run?.trouble ?? ''});
	}, 10000);
}
