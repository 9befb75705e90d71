// SPDX-License-Identifier: MIT
//
// net.js -- what the rooms for images share: the choice of a run, pixels to and from the studio, and
// files of pictures. Pictures are decoded here, in the browser; the studio gets pixels.

import {get, remove, request} from './api.js';
import {h, number} from './dom.js';

export const random_slot = () => Math.floor(Math.random() * 2 ** 31);

// A row with a select of all runs; the chosen one is part of the address. Values of the old run are dropped. Selects of the
// chosen run's nets come beside it.
export function run_select(app, room) {
	const select = h('select', {'aria-label': 'Run', onchange: () => app.go(room, select.value, {})});
	const draw = () => {
		const ids = [...app.live.runs.values()].filter(r => r.state !== 'waiting').map(r => r.id).sort().reverse();
		const chosen = app.route.room === room ? app.route.id : '';
		select.replaceChildren(h('option', {value: ''}, ids.length ? 'choose a run' : 'no runs yet'),
			...ids.map(id => h('option', {value: id}, id)));
		select.value = ids.includes(chosen) ? chosen : '';
	};
	app.live.addEventListener('runs', draw);
	draw();
	const nets = h('span', {class: 'contents'});
	return {row: h('div', {class: 'row'}, select, nets), draw, show_nets: selects => nets.replaceChildren(...selects), close: () => app.live.removeEventListener('runs', draw)};
}

// What the nets of a run can do; throws the studio's sentence.
export const net_of = id => get(`runs/${encodeURIComponent(id)}/net`);

// Images [n, height, width, channels] as bytes, with their shape.
export async function images_of(answer) {
	const [n, height, width, channels] = answer.headers.get('Gm-Shape').split(',').map(Number);
	return {n, height, width, channels, ms: Number(answer.headers.get('Gm-Ms')), from: answer.headers.get('Gm-From'),
		bytes: new Uint8Array(await answer.arrayBuffer())};
}

export const ask_images = async (path, body) => images_of(await request('POST', path, {body}));

// For canvases whose pixels are read.
export const context_of = canvas => canvas.getContext('2d', {willReadFrequently: true});

// Draws image i into a canvas of its size.
export function paint(canvas, images, i) {
	const {height, width, channels, bytes} = images, plane = height * width;
	if (canvas.width !== width || canvas.height !== height)
		Object.assign(canvas, {width, height});
	const data = new ImageData(width, height);
	for (let p = 0; p < plane; p++) {
		const from = (i * plane + p) * channels;
		for (let c = 0; c < 3; c++)
			data.data[4 * p + c] = bytes[from + (channels === 3 ? c : 0)];
		data.data[4 * p + 3] = 255;
	}
	context_of(canvas).putImageData(data, 0, 0);
}

export function base64(bytes) {
	let text = '';
	for (let i = 0; i < bytes.length; i += 8192)
		text += String.fromCharCode(...bytes.subarray(i, i + 8192));
	return btoa(text);
}

// The pixels of a canvas as [height, width, channels] bytes; grey by Rec. 601.
export function pixels_of(canvas, channels) {
	const {width, height} = canvas, {data} = context_of(canvas).getImageData(0, 0, width, height);
	const out = new Uint8Array(width * height * channels);
	for (let p = 0; p < width * height; p++)
		for (let c = 0; c < channels; c++)
			out[p * channels + c] = channels === 3 ? data[4 * p + c] :
				Math.round(0.299 * data[4 * p] + 0.587 * data[4 * p + 1] + 0.114 * data[4 * p + 2]);
	return out;
}

// Draws a picture file into a canvas. fit: crop (its middle), pad (white) or resize. Returns a sentence
// about what was done; throws one that names the file if it is no picture.
export async function draw_file(file, canvas, width, height, fit) {
	if (file.size > 16e6)
		throw new Error(`${file.name} has more than 16 MB.`);
	let picture;
	try {
		picture = await createImageBitmap(file);
	} catch {
		throw new Error(`${file.name} is not a picture that this browser reads, or it is damaged or too large.`);
	}
	Object.assign(canvas, {width, height});
	const g = context_of(canvas), {width: w, height: t} = picture;
	g.fillStyle = '#fff';
	g.fillRect(0, 0, width, height);
	g.imageSmoothingQuality = 'high';
	if (fit === 'resize') {
		g.drawImage(picture, 0, 0, width, height);
	} else {
		const scale = fit === 'pad' ? Math.min(width / w, height / t) : Math.max(width / w, height / t);
		g.drawImage(picture, (width - w * scale) / 2, (height - t * scale) / 2, w * scale, t * scale);
	}
	return w === width && t === height ? `${file.name}, as it is` :
		`${file.name}: ${w} × ${t} pixels ${{crop: 'cropped', pad: 'padded', resize: 'resized'}[fit]} to ${width} × ${height}`;
}

// Draws a picture file into a canvas at its own size, but with sides of at most `most`. Returns a
// sentence about it; throws one that names the file if it is no picture.
export async function draw_whole(file, canvas, most) {
	if (file.size > 64e6)
		throw new Error(`${file.name} has more than 64 MB.`);
	let picture;
	try {
		picture = await createImageBitmap(file);
	} catch {
		throw new Error(`${file.name} is not a picture that this browser reads, or it is damaged or too large.`);
	}
	const scale = Math.min(1, most / Math.max(picture.width, picture.height));
	Object.assign(canvas, {width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale))});
	const g = context_of(canvas);
	g.fillStyle = '#fff';
	g.fillRect(0, 0, canvas.width, canvas.height);
	g.imageSmoothingQuality = 'high';
	g.drawImage(picture, 0, 0, canvas.width, canvas.height);
	return `${file.name}: ${picture.width} × ${picture.height} pixels${scale < 1 ?
		`, used at ${canvas.width} × ${canvas.height} (the command uses all)` : ''}`;
}

// The result of a job of images, with what is known about it; null if the job went on meanwhile.
export async function result_of(job, state) {
	const answer = await request('GET', `jobs/${job}/result`);
	if (Number(answer.headers.get('Gm-Version')) !== state.version)
		return null;
	const [n, height, width, channels] = state.about.shape;
	return {n, height, width, channels, about: state.about, bytes: new Uint8Array(await answer.arrayBuffer())};
}

// Says that a job waits, for which one, with a button that cancels that one.
export function say_waiting(status, {waits_for: other}) {
	if (!other) {
		status.textContent = 'waits for another job';
		return;
	}
	if (status.lastElementChild?.dataset.job !== String(other.number))
		status.replaceChildren(h('span', {}), ' ', h('button', {type: 'button', 'data-job': other.number, onclick: () =>
			remove(`jobs/${other.number}`).catch(() => {})}, 'Cancel that one'));
	status.firstChild.textContent = `waits for another job: ${other.kind} of ${other.run}, ${number(other.done)} of ${number(other.total)}`;
}

// A select of the weights that draw: their moving averages, where the run keeps them, or the last ones.
function weights_select(app, net, changed) {
	const select = h('select', {'aria-label': 'Weights', hidden: !net.average, onchange: () => {
		app.set_params({weights: select.value === 'raw' ? 'raw' : ''});
		changed();
	}}, h('option', {value: ''}, 'averaged weights'), h('option', {value: 'raw'}, 'last weights'));
	select.value = app.route.params.weights === 'raw' ? 'raw' : '';
	return select;
}

// A select of the checkpoints that the run has; the newest one has no name. A run that trains gets others.
export function checkpoint_select(app, net, changed) {
	const {id} = app.route, trains = app.live.runs.get(id)?.state === 'running';
	const select = h('select', {'aria-label': 'Checkpoint', hidden: net.checkpoints.length < 2 && !trains, onchange: () => {
		app.set_params({checkpoint: select.value});
		changed();
	}, onfocus: async () => {
		const now = trains && await net_of(id).catch(() => null);
		if (!now || now.checkpoints.join() === net.checkpoints.join())
			return;
		net.checkpoints = now.checkpoints;
		fill();
	}});
	const fill = () => {
		const chosen = app.route.params.checkpoint ?? '';
		const names = [...net.checkpoints, ...chosen && !net.checkpoints.includes(chosen) ? [chosen] : []].toReversed();
		select.replaceChildren(h('option', {value: ''}, 'newest checkpoint'),
			...names.map(n => h('option', {value: n}, n.replace('.safetensors', ''))));
		select.value = chosen;
	};
	fill();
	return select;
}
// Which nets of the run a room uses: selects of its checkpoint and weights, what a request says of both, the RUN of a command
// (the run's name, or the file of its checkpoint), and the option of a command for the last weights.
export const net_selects = (app, net, changed) => [checkpoint_select(app, net, changed), weights_select(app, net, changed)];
export const checkpoint_of = app => app.route.params.checkpoint ? {checkpoint: app.route.params.checkpoint} : {};
export const weights_of = app => ({raw: app.route.params.weights === 'raw', ...checkpoint_of(app)});
export const weights_words = app => app.route.params.weights === 'raw' ? ['--raw'] : [];
export const run_of = app => app.route.params.checkpoint ?
	`${app.hello.outdir === 'runs' ? 'runs' : app.hello.outdir_path}/${app.route.id}/${app.route.params.checkpoint}` : app.route.id;

// A button for a file, which also takes drops on `place`.
export function file_button(label, place, take) {
	const input = h('input', {type: 'file', accept: 'image/*', hidden: true, onchange: () => {
		if (input.files[0])
			take(input.files[0]);
		input.value = '';
	}});
	place.addEventListener('dragover', e => e.preventDefault());
	place.addEventListener('drop', e => {
		e.preventDefault();
		if (e.dataTransfer.files[0])
			take(e.dataTransfer.files[0]);
	});
	return [h('button', {type: 'button', onclick: () => input.click()}, label), input];
}

export function save_blob(blob, name) {
	const url = URL.createObjectURL(blob), a = h('a', {href: url, download: name});
	a.click();
	setTimeout(() => URL.revokeObjectURL(url), 10000);
}
export const save_canvas = (canvas, name) => canvas.toBlob(blob => save_blob(blob, name));

// A sentence about characters of a caption that the run's text encoder does not know; '' if there are none.
export function unread(net, text) {
	const all = [...new Set(text.toLowerCase())].filter(c => net.alphabet && !net.alphabet.includes(c)).join(' ');
	return all ? ` The text encoder reads nothing in the place of: ${all}` : '';
}

// A word of a shell's command line.
export const quote = text => /^[A-Za-z0-9_.,:/=+-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`;

// The command `ganymede VERB RUN ...` for a run of this studio.
export const command_of = (app, verb, words) =>
	['ganymede', verb, ...words, ...app.hello.outdir === 'runs' ? [] : ['--outdir', app.hello.outdir_path]]
		.map(w => quote(String(w))).join(' ');

// "c1=3,c2=-.4" and "0:1.5,3:-2" as maps, and back.
export const parse = (text, sign) => new Map((text ?? '').split(',').filter(p => p.includes(sign)).map(p => p.split(sign)));
export const unparse = (map, sign) => [...map].map(p => p.join(sign)).join(',');

// The size at which a canvas is shown: whole multiples, so that all pixels stay equal.
export function enlarge(canvas, room) {
	const scale = Math.max(1, Math.floor(room / canvas.width));
	canvas.style.width = `${canvas.width * scale}px`;
	return scale;
}

// A sentence, what to do, and a command, where a room has nothing to show.
export const empty = (title, text, command) => h('section', {class: 'empty'}, h('h2', {}, title), h('p', {}, text),
	command ? h('p', {}, h('code', {}, command)) : '');
