// SPDX-License-Identifier: MIT
//
// pictures.js -- sample pictures of runs. They are fetched with the token, so an <img> shows them by
// an address of the page's own; the newest MOST are kept.

import {get, request} from './api.js';
import {h} from './dom.js';

const MOST = 96;
const kept = new Map(); // path to a promise of {url, width, height, bitmap}

export const list_pictures = id => get(`runs/${id}/pictures`);

export function load_picture(id, kind, step) {
	const path = `runs/${id}/pictures/${step}?kind=${kind}`;
	let found = kept.get(path);
	kept.delete(path);
	if (!found) {
		found = (async () => {
			const blob = await (await request('GET', path)).blob();
			const bitmap = await createImageBitmap(blob);
			return {blob, bitmap, url: URL.createObjectURL(blob), width: bitmap.width, height: bitmap.height};
		})();
		found.catch(() => kept.delete(path));
	}
	kept.set(path, found);
	while (kept.size > MOST) {
		const [oldest, picture] = kept.entries().next().value;
		kept.delete(oldest);
		picture.then(p => {
			URL.revokeObjectURL(p.url);
			p.bitmap.close();
		}, () => {});
	}
	return found;
}

// A picture with its caption; an error stands in its place.
export async function picture_element(id, kind, step, caption) {
	try {
		const p = await load_picture(id, kind, step);
		return h('figure', {}, h('img', {src: p.url, width: p.width, height: p.height, alt: `${id}: ${caption}`}),
			h('figcaption', {}, caption));
	} catch (e) {
		return h('figure', {class: 'problem'}, e.message);
	}
}
