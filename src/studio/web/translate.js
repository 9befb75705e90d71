// SPDX-License-Identifier: MIT
//
// translate.js -- the room Translate: a picture through a run with the endpoint "translate", drawn again
// with every change; also the pictures of a webcam, of which the newest is translated, and those of a folder.

import {newest} from './api.js';
import {copy_button, h, number} from './dom.js';
import {folder_buttons} from './folder.js';
import {ask_images, base64, checkpoint_of, checkpoint_select, command_of, context_of, draw_file, empty, enlarge, file_button,
	net_of, paint, parse, pixels_of, random_slot, run_of, run_select, save_canvas, unparse, unread} from './net.js';

const SHOWN = 384, FRAMES_PER_SECOND = 5;

export function open(app, place) {
	const slot = random_slot(), runs = run_select(app, 'translate');
	const input = h('canvas', {width: 64, height: 64, role: 'img', 'aria-label': 'Input'});
	const output = h('canvas', {width: 64, height: 64, role: 'img', 'aria-label': 'Translation'});
	const message = h('p', {class: 'problem', role: 'alert'}), status = h('p', {class: 'soft', role: 'status'});
	const said = h('figcaption', {}), made = h('figcaption', {}), tools = h('div', {});
	const figures = h('div', {class: 'canvases'}, h('figure', {}, input, said), h('figure', {}, output, made));
	place.replaceChildren(h('section', {class: 'card translate-room'}, runs.row, message, tools,
		figures, status));
	let net = null, shown = null, seq = 0, file = null, camera = null, skipped = 0;

	const params = () => app.route.params;
	const way = () => net.translate.find(w => String(w.back) === (params().back ?? 'false')) ?? net.translate[0];
	const fit = () => ['pad', 'crop', 'resize'].includes(params().fit) ? params().fit : 'pad';
	const seed = () => Math.max(0, Math.floor(Number(params().seed) || 0));

	// ---- drawing ---------------------------------------------------------------------------------

	// The picture of a canvas, as number `index` of those that the seed has noise for.
	const translate = (canvas, index = 0, place_of = slot) => ask_images(`runs/${encodeURIComponent(app.route.id)}/translate`, {
		slot: place_of, seq: ++seq, seed: seed(), index, height: canvas.height, width: canvas.width, back: way().back ? 1 : 0,
		...wishes(), ...checkpoint_of(app), pixels: base64(pixels_of(canvas, 3))});
	const ask = newest(() => translate(input));
	// Attributes and caption, where the run takes them.
	const wishes = () => ({...way().attributes && params().to ? {to: params().to} : {},
		...way().caption && params().caption ? {caption: params().caption} : {}});

	async function draw() {
		const begun = performance.now();
		try {
			const got = await ask();
			if (!got) {
				skipped++;
				return;
			}
			paint(output, got, 0);
			enlarge(output, SHOWN);
			made.textContent = way().to || 'translation';
			message.textContent = '';
			performance.measure('gm-translate', {start: begun, end: performance.now()});
			status.textContent = `${number(Math.round(performance.now() - begun))} ms, ${number(Math.round(got.ms))} ms of it for ` +
				`the net${camera ? `; camera on, ${number(skipped)} pictures skipped` : ''}` +
				(wishes().caption ? unread(net, wishes().caption) : '');
		} catch (e) {
			if (e.code !== 'superseded')
				message.textContent = e.message;
		}
	}

	async function redraw() {
		if (!file)
			return;
		try {
			said.textContent = `${way().from}: ${await draw_file(file, input, net.shape[1], net.shape[0], fit())}`;
			enlarge(input, SHOWN);
			await draw();
		} catch (e) {
			message.textContent = e.message;
		}
	}
	function take(chosen) {
		stop_camera();
		file = chosen;
		redraw();
	}

	// ---- camera ----------------------------------------------------------------------------------

	function stop_camera() {
		if (!camera)
			return;
		clearInterval(camera.timer);
		for (const track of camera.stream.getTracks())
			track.stop();
		camera = null;
		draw_tools();
	}
	async function start_camera() {
		if (!navigator.mediaDevices) {
			message.textContent = 'A browser gives pictures of a camera only to pages of this machine (127.0.0.1) or by https.';
			return;
		}
		let stream;
		try {
			stream = await navigator.mediaDevices.getUserMedia({video: true});
		} catch (e) {
			message.textContent = e.name === 'NotAllowedError' ? 'The browser was not allowed to use the camera. Files still work.' :
				`There is no camera that can be used (${e.name}). Files still work.`;
			return;
		}
		if (!place.isConnected || !net) {
			stream.getTracks().forEach(t => t.stop());
			return;
		}
		const video = h('video', {});
		Object.assign(video, {srcObject: stream, muted: true, playsInline: true});
		await video.play();
		skipped = 0;
		file = null;
		said.textContent = `${way().from}: camera, not stored`;
		camera = {stream, timer: setInterval(() => {
			const [height, width] = net.shape, scale = Math.max(width / video.videoWidth, height / video.videoHeight);
			Object.assign(input, {width, height});
			context_of(input).drawImage(video, (width - video.videoWidth * scale) / 2,
				(height - video.videoHeight * scale) / 2, video.videoWidth * scale, video.videoHeight * scale);
			enlarge(input, SHOWN);
			draw();
		}, 1000 / FRAMES_PER_SECOND)};
		draw_tools();
	}

	// ---- controls --------------------------------------------------------------------------------

	function set(change) {
		app.set_params(change);
		redraw();
	}
	const command = (from, to, ...more) => command_of(app, 'translate', [run_of(app), from, ...way().back ? ['--back'] : [],
		...seed() ? ['--seed', seed()] : [], ...Object.entries(wishes()).flatMap(([k, v]) => [`--${k}`, v]), ...more, '-o', to]);
	const folder = folder_buttons({translate: (canvas, index) => translate(canvas, index, slot + 1),
		command: name => command(name, `${name}-translated`, '--fit', 'pad'), begin: () => stop_camera()});

	// A field for each attribute of "gender=0..1, age=NUMBER, tags=(0|1)x3"; what is left open stays as it is.
	function attributes() {
		const field = (name, last) => {
			const change = e => {
				const map = parse(params().to, '=');
				map.delete(name);
				set({to: unparse(e.currentTarget.value === '' ? map : map.set(name, e.currentTarget.value), '=')});
			};
			const e = last >= 0 && last < 100 ? h('select', {onchange: change}, h('option', {value: ''}, 'as it is'),
				Array.from({length: last + 1}, (_, i) => h('option', {value: String(i)}, String(i)))) :
				h('input', {class: 'short', inputmode: 'numeric', onchange: change});
			e.value = parse(params().to, '=').get(name) ?? '';
			return h('label', {}, `${name} `, e);
		};
		return way().attributes.split(', ').map(text => text.split('=')).map(([name, values]) => {
			const [, flags] = /^\(0\|1\)x(\d+)$/.exec(values) ?? [], [, last] = /^0\.\.(\d+)$/.exec(values) ?? [];
			return flags ? Array.from({length: Number(flags)}, (_, i) => field(`${name}.${i}`, 1)) : field(name, Number(last ?? -1));
		});
	}

	function draw_tools() {
		const direction = h('select', {'aria-label': 'Direction', onchange: () => {
			set({back: direction.value === 'true' ? 'true' : ''});
			draw_tools();
		}},
			net.translate.map(w => h('option', {value: String(w.back)}, `${w.from} → ${w.to || 'translation'}`)));
		direction.value = String(way().back);
		const fits = h('select', {'aria-label': 'Fit', onchange: () => set({fit: fits.value === 'pad' ? '' : fits.value})},
			['pad', 'crop', 'resize'].map(f => h('option', {value: f}, f)));
		fits.value = fit();
		const seed_field = h('input', {inputmode: 'numeric', class: 'short', value: String(seed()),
			onchange: () => set({seed: seed_field.value})});
		const caption = way().caption && h('input', {class: 'caption', maxlength: '200', placeholder: 'what the result shows', value: params().caption ?? '',
			onchange: () => set({caption: caption.value})});
		tools.replaceChildren(h('div', {class: 'row'}, direction, file_button('Choose a picture…', figures, take),
			camera ? h('button', {type: 'button', class: 'danger', onclick: stop_camera}, 'Camera on: stop') :
				h('button', {type: 'button', onclick: start_camera}, 'Use the camera'),
			h('label', {}, 'Fit ', fits), h('label', {}, 'Seed ', seed_field), caption ? h('label', {}, 'Caption ', caption) : ''),
		way().attributes ? h('div', {class: 'row'}, attributes()) : '',
		h('div', {class: 'row'}, copy_button('Copy link', () => location.href),
			copy_button('Copy command', () => command('input.png', 'output.png')),
			h('button', {type: 'button', onclick: () => save_canvas(input, 'input.png')}, 'Save input'),
			h('button', {type: 'button', onclick: () => save_canvas(output, 'output.png')}, 'Save translation')), ...folder.elements);
	}

	function draw_settings() {
		runs.show_nets([checkpoint_select(app, net, redraw)]);
		draw_tools();
	}
	async function show() {
		const id = app.route.id;
		runs.draw();
		if (shown === id) { // another address of it
			if (net) {
				draw_settings();
				redraw();
			}
			return;
		}
		stop_camera();
		folder.close();
		shown = id;
		net = null;
		file = null;
		message.textContent = '';
		tools.replaceChildren();
		runs.show_nets([]);
		figures.hidden = true;
		if (!id) {
			tools.replaceChildren(empty('Translate', 'Choose a run that translates images, such as pix2pix, cyclegan, stargan or ' +
				'srgan.', 'ganymede train pix2pix --data labels2shapes'));
			return;
		}
		try {
			const got = await net_of(id);
			if (app.route.id !== id)
				return;
			if (!got.translate.length)
				throw new Error(`${id} is a run of ${got.model}, which does not translate images.`);
			net = got;
			figures.hidden = false;
			said.textContent = 'Choose a picture, or drop one here.';
			draw_settings();
		} catch (e) {
			message.textContent = e.message;
		}
	}

	return {
		update: show,
		close() {
			stop_camera();
			folder.close();
			runs.close();
			place.replaceChildren();
		},
		keys: [['n', 'the next seed', () => {
			set({seed: String(seed() + 1)});
			draw_tools();
		}]],
	};
}
