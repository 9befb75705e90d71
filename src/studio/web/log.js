// SPDX-License-Identifier: MIT
//
// log.js -- the tab Log: the end of log.txt, following it, with search.

import {newest, request} from './api.js';
import {copy_button, h, number} from './dom.js';

const KEPT = 65536;
// escape sequences of terminals (ECMA-48), and control characters but newline and tab
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)|\u001b.|[\u0000-\u0008\u000b-\u001f\u007f]/g;

export function open_log(app, place, [id]) {
	let text = '', next = -1;
	const search = h('input', {type: 'search', placeholder: 'Search the log', 'aria-label': 'Search the log', oninput: () => draw()});
	const found = h('span', {class: 'soft', role: 'status'});
	const follow = h('input', {type: 'checkbox', onchange: () => draw()});
	follow.checked = true;
	const out = h('pre', {class: 'log', tabindex: '0', 'aria-label': `Log of ${id}`});
	place.append(h('div', {class: 'row'}, search, found, h('span', {class: 'fill'}),
		h('label', {class: 'check'}, follow, 'Follow'), copy_button('Copy', () => text)), out);

	function draw() {
		const want = search.value.toLowerCase();
		if (!want) {
			found.textContent = '';
			out.replaceChildren(text || 'The log is empty.');
		} else {
			const parts = [], low = text.toLowerCase();
			let at = 0, n = 0;
			for (let i; (i = low.indexOf(want, at)) >= 0 && n < 2000; at = i + want.length, n++)
				parts.push(text.slice(at, i), h('mark', {}, text.slice(i, i + want.length)));
			found.textContent = n ? `${number(n)} found` : 'not found';
			out.replaceChildren(...parts, text.slice(at));
			if (n)
				out.querySelector('mark').scrollIntoView({block: 'nearest'});
		}
		if (follow.checked && !want)
			out.scrollTop = out.scrollHeight;
	}

	const read = newest(async () => {
		for (let more = true; more;) {
			const answer = await request('GET', `runs/${id}/log?from=${next}`);
			const part = await answer.text(), before = next;
			next = Number(answer.headers.get('Gm-Next'));
			more = part.length > 0 && before >= 0 && next > before;
			text = (text + part.replaceAll('\r\n', '\n').replace(ESCAPES, '')).slice(-KEPT);
		}
		draw();
	});
	const reload = () => read().catch(e => {
		found.textContent = e.message;
	});
	reload();
	return {changed: reload, keys: []};
}
