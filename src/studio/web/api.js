// SPDX-License-Identifier: MIT
//
// api.js -- requests to the studio. The token comes in the address (#t=TOKEN), once, and is kept in
// localStorage; every request carries it.

const KEY = 'gm-token';

const given = /^#t=([0-9a-f]{32})$/.exec(location.hash);
if (given) {
	localStorage.setItem(KEY, given[1]);
	history.replaceState(null, '', location.pathname);
}

export class ApiError extends Error {
	constructor(status, {code, message, field, hint} = {}) {
		super(message ?? `The studio answered ${status}.`);
		Object.assign(this, {status, code: code ?? '', field: field ?? '', hint: hint ?? ''});
	}
}

export function set_token(text) {
	const found = /([0-9a-f]{32})\s*$/.exec(text);
	if (found)
		localStorage.setItem(KEY, found[1]);
	return Boolean(found);
}

export const NO_ANSWER = 'The studio does not answer. Is it still running?';

// An answer that is not 2xx, and no answer at all, become an ApiError (status 0 for the latter).
export async function request(method, path, {body, headers, signal, keepalive} = {}) {
	let answer;
	try {
		answer = await fetch(`/api/${path}`, {method, signal, keepalive, cache: 'no-store', headers: {
			'Gm-Token': localStorage.getItem(KEY) ?? '',
			...body === undefined ? {} : {'Content-Type': 'application/json'}, ...headers,
		}, body: body === undefined ? undefined : JSON.stringify(body)});
	} catch (e) {
		if (e.name === 'AbortError')
			throw e;
		throw new ApiError(0, {message: NO_ANSWER});
	}
	if (answer.ok)
		return answer;
	const problem = await answer.json().catch(() => ({}));
	if (answer.status === 401)
		window.dispatchEvent(new Event('gm-token'));
	throw new ApiError(answer.status, problem.error);
}

export const get = async (path, options) => (await request('GET', path, options)).json();
export const post = async (path, body = {}) => (await request('POST', path, {body})).json();
export const patch = async (path, body) => (await request('PATCH', path, {body})).json();
export const remove = async (path, confirm, options) =>
	(await request('DELETE', path, {...options, headers: confirm ? {'Gm-Confirm': confirm} : {}})).json();

// Newest wins: one call of f is in flight and at most one waits; a waiting one is replaced by a newer
// one. The result of the last call is always delivered; those of replaced calls are undefined.
export function newest(f) {
	let busy = false, waiting = null;
	async function run(args) {
		busy = true;
		try {
			return await f(...args);
		} finally {
			busy = false;
			if (waiting) {
				const {args: next, done} = waiting;
				waiting = null;
				done(run(next));
			}
		}
	}
	return (...args) => {
		if (!busy)
			return run(args);
		waiting?.done(undefined);
		return new Promise(done => {
			waiting = {args, done};
		});
	};
}
