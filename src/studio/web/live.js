// SPDX-License-Identifier: MIT
//
// live.js -- the list of runs, kept up to date. One tab of the browser holds the stream of events (a
// lock of the Web Locks API elects it) and tells the others by a BroadcastChannel, since a browser
// opens only six connections to one server. Where the stream is refused, runs are asked for every
// two seconds.

import {get, request} from './api.js';

const WAITS = [1, 2, 4, 8, 15]; // seconds before the next attempt
const POLL_MS = 2000;

export class Live extends EventTarget {
	runs = new Map(); // id to row
	waiting = [];
	loaded = false;
	more = false;
	state = 'connecting'; // live, polling, reconnecting, offline
	retry_at = 0;
	last_heard = 0;
	#rev = -1;
	#fetching = false;
	#again = false;
	#attempt = 0;
	#abort = null;
	#channel = 'BroadcastChannel' in window ? new BroadcastChannel('gm-studio') : null;

	start() {
		this.#channel?.addEventListener('message', e => {
			if (e.data === 'changed')
				this.refresh();
			else if (e.data === 'lost' && !document.hidden)
				this.refresh(true);
		});
		document.addEventListener('visibilitychange', () => document.hidden ? this.#hide() : this.#show());
		this.#show();
	}

	#set(state) {
		this.state = state;
		this.dispatchEvent(new Event('state'));
	}

	// Tells all tabs that the list changed here, by an action of this page.
	changed() {
		this.#channel?.postMessage('changed');
		return this.refresh();
	}

	// Fetches what changed; all: everything, as after a restart of the studio.
	async refresh(all) {
		if (all)
			this.#rev = -1;
		if (this.#fetching) {
			this.#again = true;
			return;
		}
		this.#fetching = true;
		try {
			do {
				this.#again = false;
				await this.#fetch();
			} while (this.#again);
		} catch (e) {
			this.#lost(e);
		} finally {
			this.#fetching = false;
		}
	}

	async #fetch() {
		const from = this.#rev;
		const answer = await get(from < 0 ? 'runs' : `runs?after=${from}`);
		if (from < 0) {
			const kept = new Set(answer.runs.map(r => r.id));
			for (const id of this.runs.keys())
				if (!kept.has(id))
					this.runs.delete(id);
		}
		for (const id of answer.gone)
			this.runs.delete(id);
		for (const run of answer.runs)
			this.runs.set(run.id, run);
		const gone = answer.gone, changed = answer.runs.map(r => r.id);
		const same = this.loaded && from >= 0 && !gone.length && !changed.length &&
			JSON.stringify(answer.waiting) === JSON.stringify(this.waiting);
		this.#rev = answer.rev;
		this.waiting = answer.waiting ?? [];
		this.more = Boolean(answer.more);
		this.loaded = true;
		this.last_heard = Date.now();
		this.#attempt = 0;
		if (this.state === 'connecting' || this.state === 'reconnecting' || this.state === 'offline')
			this.#set('live');
		if (!same)
			this.dispatchEvent(new CustomEvent('runs', {detail: {changed, gone}}));
	}

	#lost(e) {
		if (e.status === 401 || e.name === 'AbortError')
			return;
		const wait = WAITS[Math.min(this.#attempt++, WAITS.length - 1)];
		this.retry_at = Date.now() + wait * 1000;
		this.#set(this.#attempt > 3 ? 'offline' : 'reconnecting');
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.refresh(true), wait * 1000);
	}

	#show() {
		clearTimeout(this.hide_timer);
		this.refresh(this.loaded && this.state !== 'live');
		if (this.#abort)
			return;
		const abort = this.#abort = new AbortController();
		if (navigator.locks && this.#channel)
			navigator.locks.request('gm-stream', {signal: abort.signal},
				() => this.#stream(abort.signal)).catch(() => {});
		else
			this.#stream(abort.signal);
	}

	// Hidden tabs give the stream to another one.
	#hide() {
		this.hide_timer = setTimeout(() => {
			this.#abort?.abort();
			this.#abort = null;
		}, navigator.locks && this.#channel ? 0 : 30000);
	}

	async #stream(signal) {
		for (let after = 0; !signal.aborted;) {
			try {
				const answer = await request('GET', `events?topics=runs${after ? `&after=${after}` : ''}`,
					{signal});
				this.#set('live');
				await this.refresh(true);
				after = await this.#read(answer.body.getReader(), signal, after);
			} catch (e) {
				if (signal.aborted)
					return;
				if (e.status === 503) {
					await this.#poll(signal);
					continue;
				}
				this.#lost(e);
			}
			if (signal.aborted)
				return;
			this.#channel?.postMessage('lost');
			await new Promise(done => setTimeout(done, Math.max(1000, this.retry_at - Date.now())));
		}
	}

	async #read(reader, signal, after) {
		const decoder = new TextDecoder();
		let text = '';
		for (;;) {
			const {value, done} = await reader.read();
			if (done)
				return after;
			text += decoder.decode(value, {stream: true});
			const events = text.split('\n\n');
			text = events.pop();
			for (const event of events) {
				const fields = Object.fromEntries(event.split('\n').filter(l => l && l[0] !== ':')
					.map(l => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1).trim()]));
				after = Number(fields.id) || after;
				if (fields.event === 'resync')
					this.refresh(true);
				if (!fields.event)
					continue;
				this.#channel?.postMessage('changed');
				this.refresh();
			}
		}
	}

	// A minute of asking, then the stream is tried again.
	async #poll(signal) {
		this.#set('polling');
		for (let i = 0; i < 30 && !signal.aborted; i++) {
			await this.refresh();
			this.#channel?.postMessage('changed');
			await new Promise(done => setTimeout(done, POLL_MS));
		}
	}
}
