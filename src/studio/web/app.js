// SPDX-License-Identifier: MIT
//
// app.js -- the frame around all rooms: header, address, theme, keys, messages.
//
// A room is a module with open(app, place): it fills the element and returns {update(route), close(),
// keys: [[key, text, action]]}. The address is #/ROOM/ID?name=value&..: whatever a person set in a room
// is there, so that a reload, a link and the back button show the same.

import {get, NO_ANSWER, set_token} from './api.js';
import {h} from './dom.js';
import {Live} from './live.js';
import {open_tray} from './tray.js';

// All rooms, in order: name in hello.rooms, key after "g", title, module.
const ROOMS = [
	['runs', 'r', 'Runs', () => import('./runs.js')],
	['latents', 'l', 'Latents', () => import('./latents.js')],
	['edit', 'e', 'Edit', () => import('./edit.js')],
	['inpaint', 'i', 'Inpaint', () => import('./inpaint.js')],
	['translate', 't', 'Translate', () => import('./translate.js')],
];

const WRITE_MS = 250; // the address is written at most four times a second

const $ = id => document.getElementById(id);

function read_setting(name, other) {
	try {
		return JSON.parse(localStorage.getItem(`gm-${name}`)) ?? other;
	} catch {
		return other;
	}
}

export const app = {
	live: new Live(),
	hello: null,
	route: {room: 'runs', id: '', params: {}},
	setting: read_setting,
	keep(name, value) {
		localStorage.setItem(`gm-${name}`, JSON.stringify(value));
	},
	go, set_params, toast, link,
};

// ---- address -----------------------------------------------------------------------------------

function parse_address() {
	const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
	const [room, ...rest] = path.split('/').map(part => {
		try {
			return decodeURIComponent(part);
		} catch {
			return '';
		}
	});
	return {room: room || 'runs', id: rest.join('/'), params: Object.fromEntries(new URLSearchParams(query))};
}

function address({room, id, params}) {
	const given = Object.entries(params).filter(([, v]) => v !== '' && v !== null && v !== undefined);
	const query = new URLSearchParams(given).toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
	return `#/${room}${id ? `/${encodeURIComponent(id)}` : ''}${query ? `?${query}` : ''}`;
}

function link(room, id, params = {}) {
	return address({room, id, params});
}

// Another run or room: a new entry of the history.
function go(room, id, params) {
	flush();
	app.route = {room, id, params: params ?? app.route.params};
	history.pushState(null, '', address(app.route));
	show();
}

let write_timer = 0;

function flush() {
	if (!write_timer)
		return;
	clearTimeout(write_timer);
	write_timer = 0;
	history.replaceState(null, '', address(app.route));
}

function set_params(change) {
	Object.assign(app.route.params, change);
	for (const [k, v] of Object.entries(app.route.params))
		if (v === '' || v === null || v === undefined)
			delete app.route.params[k];
	write_timer ||= setTimeout(flush, WRITE_MS);
}

// ---- rooms -------------------------------------------------------------------------------------

let room = null, opened = '', opening = null;

async function show() {
	const {route} = app, found = ROOMS.find(r => r[0] === route.room && app.hello.rooms[r[0]] === true);
	if (!found) {
		app.toast(`There is no room "${route.room.slice(0, 40)}" here.`);
		app.route = {room: 'runs', id: '', params: {}};
		history.replaceState(null, '', address(app.route));
		return show();
	}
	for (const a of $('rooms').children)
		a.toggleAttribute('aria-current', a.dataset.room === route.room);
	if (opened !== route.room) {
		opened = route.room;
		room?.close();
		room = null;
		opening = found[3]();
		const module = await opening;
		room = module.open(app, $('room'));
	}
	await opening;
	room?.update(app.route);
	return undefined;
}

function draw_rooms() {
	$('rooms').replaceChildren(...ROOMS.filter(r => app.hello.rooms[r[0]] === true).map(([name, key, title]) =>
		h('a', {href: `#/${name}`, 'data-room': name, title: `${title} (g ${key})`}, title)));
}

// ---- messages ----------------------------------------------------------------------------------

// action: {label, run}; the message stays for `seconds`, and while it has focus or the pointer.
function toast(text, {action, seconds = 6, bad = false} = {}) {
	const close = () => e.remove();
	const e = h('div', {class: bad ? 'toast bad' : 'toast'}, h('span', {}, text),
		action && h('button', {type: 'button', onclick: () => {
			close();
			action.run();
		}}, action.label),
		h('button', {type: 'button', class: 'quiet', 'aria-label': 'Close message', onclick: close}, '×'));
	const wait = () => setTimeout(() => e.matches(':hover, :focus-within') ? wait() : close(), seconds * 1000);
	wait();
	$('toasts').append(e);
	while ($('toasts').children.length > 4)
		$('toasts').firstChild.remove();
}

// ---- header ------------------------------------------------------------------------------------

function draw_connection() {
	const {live} = app, e = $('connection'), clock = t => new Date(t).toTimeString().slice(0, 5);
	const left = Math.max(0, Math.ceil((live.retry_at - Date.now()) / 1000));
	const text = {
		connecting: 'connecting', live: 'live', polling: 'live, asked every 2 s',
		reconnecting: `reconnecting in ${left} s`,
		offline: `offline${live.last_heard ? `, last values ${clock(live.last_heard)}` : ''}`,
	}[live.state];
	if (e.textContent !== text)
		e.textContent = text;
	e.className = live.state;
	document.body.classList.toggle('lost', live.state === 'reconnecting' || live.state === 'offline');
}

function set_theme(theme) {
	if (theme === 'system')
		delete document.documentElement.dataset.theme;
	else
		document.documentElement.dataset.theme = theme;
	$('theme').value = theme;
}

// ---- keys --------------------------------------------------------------------------------------

let after_g = 0;

const KEYS = [
	['g then r, l, e, i, t', 'the rooms Runs, Latents, Edit, Inpaint, Translate'], ['?', 'this list'], ['Esc', 'closes the top layer'],
];
const CHART_KEYS = [
	['← →', 'the value before or after; with Shift ten'], ['+ −', 'zoom'], ['Ctrl ← →', 'move the zoomed part'],
	['0', 'all steps'], ['c', 'copies the values at the cursor'],
];

function on_key(e) {
	const typing = e.target.closest?.('input, textarea, select, [contenteditable]') &&
		!['checkbox', 'radio', 'button'].includes(e.target.type);
	if (e.key === 'Escape' && !e.defaultPrevented) {
		const open = document.querySelector('details[open].layer');
		if (open) {
			open.open = false;
			open.querySelector('summary').focus();
			return;
		}
	}
	if (e.ctrlKey && e.key === 'Enter')
		room?.keys?.find(k => k[0] === 'Ctrl+Enter')?.[2](e);
	if (typing || e.ctrlKey || e.metaKey || e.altKey || !app.setting('keys', true) ||
		document.querySelector('dialog[open]'))
		return;
	if (Date.now() - after_g < 1000) {
		after_g = 0;
		const to = ROOMS.find(r => r[1] === e.key);
		if (to && app.hello.rooms[to[0]])
			go(to[0], '', {});
		return;
	}
	if (e.key === 'g') {
		after_g = Date.now();
	} else if (e.key === '?') {
		show_keys();
	} else {
		const found = room?.keys?.find(k => k[0] === e.key);
		if (found && found[2](e) !== false)
			e.preventDefault();
	}
}

function show_keys() {
	const table = (title, rows) => [h('h3', {}, title), h('dl', {class: 'keys'}, rows.map(([key, text]) =>
		[h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)]))];
	const box = h('input', {type: 'checkbox', onchange: () => app.keep('keys', box.checked)});
	box.checked = app.setting('keys', true);
	const dialog = h('dialog', {'aria-label': 'Keys', onclose: () => dialog.remove()},
		h('h2', {}, 'Keys'), h('label', {class: 'check'}, box, 'Single keys act (while no field has focus)'),
		table('Everywhere', KEYS), room?.keys?.length ? table('Here', room.keys) : null,
		table('On a chart', CHART_KEYS),
		h('form', {method: 'dialog'}, h('button', {}, 'Close')));
	document.body.append(dialog);
	dialog.showModal();
}

// ---- start -------------------------------------------------------------------------------------

function ask_token() {
	room?.close();
	room = null;
	opened = '';
	const field = h('input', {id: 'token', autocomplete: 'off', size: '40', spellcheck: 'false'});
	const message = h('p', {class: 'problem', id: 'token-problem', role: 'alert'});
	field.setAttribute('aria-describedby', message.id);
	$('room').replaceChildren(h('section', {class: 'empty'}, h('h2', {}, 'Which studio is this?'),
		h('p', {}, 'The studio prints an address with a token when it starts. Open that address, or paste it ' +
			'here. A studio that was started again has another token.'),
		h('form', {class: 'row', onsubmit: e => {
			e.preventDefault();
			if (set_token(field.value))
				location.reload();
			else
				message.textContent = 'This is no address of a studio, such as http://127.0.0.1:7717/#t=0123…';
		}}, h('label', {for: 'token'}, 'Address or token'), field, h('button', {class: 'primary'}, 'Open')), message));
	$('connection').textContent = 'no token';
}

async function start() {
	set_theme(app.setting('theme', 'system'));
	$('theme').addEventListener('change', () => {
		app.keep('theme', $('theme').value);
		set_theme($('theme').value);
	});
	$('help').addEventListener('click', show_keys);
	window.addEventListener('gm-token', ask_token);
	window.addEventListener('storage', e => e.key === 'gm-theme' && set_theme(app.setting('theme', 'system')));
	app.live.addEventListener('state', draw_connection);
	app.live.addEventListener('state', () => {
		for (const e of app.live.state === 'live' ? document.querySelectorAll('.problem') : [])
			if (e.textContent === NO_ANSWER)
				e.textContent = '';
	});
	setInterval(draw_connection, 1000);
	document.querySelector('.skip').addEventListener('click', e => {
		e.preventDefault();
		$('room').focus();
	});
	for (let wait = 1; !app.hello; wait = Math.min(15, 2 * wait))
		try {
			app.hello = await get('hello');
		} catch (e) {
			if (e.status === 401)
				return;
			$('connection').textContent = `no answer, trying again in ${wait} s`;
			await new Promise(done => setTimeout(done, wait * 1000));
		}
	document.title = `${app.hello.outdir} – Ganymede studio`;
	draw_rooms();
	open_tray(app, $('tray'));
	window.addEventListener('popstate', () => {
		clearTimeout(write_timer);
		write_timer = 0;
		app.route = parse_address();
		show();
	});
	document.addEventListener('keydown', on_key);
	document.addEventListener('pointerdown', e => {
		for (const open of document.querySelectorAll('details.layer[open], .chart-menu[open]'))
			if (!open.contains(e.target))
				open.open = false;
	});
	app.route = parse_address();
	app.live.start();
	await show();
}

start();
