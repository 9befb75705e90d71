// SPDX-License-Identifier: MIT
//
// actions.js -- the dialogs that resume and delete a run.

import {post} from './api.js';
import {bytes_text, h, number} from './dom.js';
import {delete_run} from './trash.js';

const GIB = 2 ** 30;

export function dialog_of(title, ...children) {
	const dialog = h('dialog', {'aria-label': title, onclose: () => dialog.remove()}, h('h2', {}, title), children);
	document.body.append(dialog);
	dialog.showModal();
	return dialog;
}

export function ask_resume(app, run) {
	const usual = Math.min(1e9, Math.max(run.total, run.step) + (run.step < run.total ? 0 : Math.max(1, run.total)));
	const field = h('input', {id: 'resume-steps', inputmode: 'numeric', value: String(usual),
		'aria-describedby': 'resume-problem'});
	const problem = h('p', {class: 'problem', id: 'resume-problem', role: 'alert'});
	const dialog = dialog_of(`Resume ${run.id}`,
		h('p', {}, `It is at step ${number(run.step)} of ${number(run.total)}. It goes on exactly as if it had not ended.`),
		h('form', {onsubmit: async e => {
			e.preventDefault();
			const steps = Number(field.value.replaceAll(',', ''));
			problem.textContent = '';
			if (!Number.isInteger(steps) || steps < 1 || steps > 1e9) {
				problem.textContent = `The number of steps in all is an integer from 1 to 1,000,000,000, such as ${usual}.`;
				field.setAttribute('aria-invalid', 'true');
				field.focus();
				return;
			}
			try {
				const got = await post(`runs/${run.id}/resume`, {steps});
				app.toast(got.waiting ? `${run.id} waits: another run trains.` : `${run.id} trains on.`);
				dialog.close();
				await app.live.changed();
			} catch (e2) {
				problem.textContent = [e2.message, e2.hint].filter(t => t).join(' ');
			}
		}}, h('div', {class: 'row'}, h('label', {for: 'resume-steps'}, 'Steps in all'), field), problem,
		h('div', {class: 'row end'}, h('button', {type: 'button', onclick: () => dialog.close()}, 'Cancel'),
			h('button', {class: 'primary'}, 'Resume'))));
	field.select();
}

export function ask_delete(app, run) {
	const number_of_run = run.id.split('-')[0], large = run.bytes > GIB;
	const typed = h('input', {id: 'delete-typed', autocomplete: 'off', 'aria-describedby': 'delete-problem'});
	const problem = h('p', {class: 'problem', id: 'delete-problem', role: 'alert'});
	const dialog = dialog_of(`Delete ${run.id}?`,
		h('p', {}, `${bytes_text(run.bytes)}, ${number(run.step)} steps. It goes to the trash, from which it can be restored.`),
		h('form', {onsubmit: async e => {
			e.preventDefault();
			if (large && typed.value !== number_of_run) {
				problem.textContent = `Type ${number_of_run} to delete a run of this size.`;
				typed.focus();
				return;
			}
			try {
				await delete_run(app, run.id);
				dialog.close();
				if (app.route.id === run.id)
					app.go('runs', '', app.route.params);
			} catch (e2) {
				problem.textContent = e2.message;
			}
		}}, large ? h('div', {class: 'row'}, h('label', {for: 'delete-typed'}, `Type ${number_of_run}`), typed) : '', problem,
		h('div', {class: 'row end'}, h('button', {type: 'button', onclick: () => dialog.close()}, 'Cancel'),
			h('button', {class: 'danger'}, 'Delete'))));
}
