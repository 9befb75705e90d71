// SPDX-License-Identifier: MIT
//
// folder.js -- all pictures of a folder, one after the other, each at its own size, as `ganymede translate
// RUN FOLDER --fit pad` does; results are saved as files with the same names.

import {copy_button, h, number} from './dom.js';
import {context_of, paint, save_blob} from './net.js';

const SIDE = 1024, PICTURE = /\.(png|apng|jpe?g|jfif|webp|gif|bmp|avif|tiff?|hei[cf]|ico)$/i;

// The pictures of a chosen folder, in the order of their names: {file, name}, without the folder's own name.
// Throws a sentence where the command would choose among them, or where two results have one name.
function pictures_of(files) {
	const all = [...files].map(file => ({file, name: file.webkitRelativePath.split('/').slice(1).join('/')}))
		.filter(p => PICTURE.test(p.name) && !p.name.split('/').some(part => part.startsWith('.')))
		.sort((a, b) => a.name < b.name ? -1 : 1);
	const paired = all.find(p => /(^|\/)(train|test|val)?[ab]\//i.test(p.name));
	if (paired)
		throw new Error(`${paired.name} belongs to one side of pairs: such a folder is for the command.`);
	for (const p of all)
		p.to = `${p.name.replace(/(?<=[^/])\.[^./]*$/, '').replaceAll('/', '-')}.png`;
	const twice = all.find((p, i) => all.findIndex(q => q.to === p.to) < i);
	if (twice)
		throw new Error(`Two pictures would both be saved as ${twice.to}: rename one.`);
	if (!all.length)
		throw new Error('There are no pictures in this folder.');
	return all;
}

// The pixels of a file into a canvas of its size, on black as by the command.
async function draw_as_it_is(file, canvas) {
	const picture = await createImageBitmap(file, {colorSpaceConversion: 'none'});
	if (Math.max(picture.width, picture.height) > SIDE)
		throw new Error(`it has ${picture.width} × ${picture.height} pixels, and here at most ${SIDE} a side; the command has no such limit`);
	Object.assign(canvas, {width: picture.width, height: picture.height});
	const g = context_of(canvas);
	g.fillStyle = '#000';
	g.fillRect(0, 0, canvas.width, canvas.height);
	g.drawImage(picture, 0, 0);
}

// Buttons for a folder. translate(canvas, index): a promise of images; command(folder): the same as a command.
export function folder_buttons({translate, command, begin}) {
	const status = h('span', {class: 'soft', role: 'status'}), problem = h('p', {class: 'problem', role: 'alert'});
	const input = h('input', {type: 'file', hidden: true, webkitdirectory: true, 'aria-label': 'Folder of pictures', onchange: run});
	const stop = h('button', {type: 'button', class: 'danger', hidden: true, onclick: () => {
		going = null;
	}}, 'Stop');
	let going = null, name = 'pictures';

	async function run() {
		const mine = going = {}, canvas = h('canvas', {}), result = h('canvas', {}), bad = [];
		let done = 0;
		begin();
		problem.textContent = '';
		try {
			const all = pictures_of(input.files);
			name = input.files[0].webkitRelativePath.split('/')[0];
			stop.hidden = false;
			for (const p of all) {
				if (going !== mine)
					break;
				status.textContent = `${number(done + bad.length)} of ${number(all.length)} pictures of ${name}`;
				try {
					await draw_as_it_is(p.file, canvas);
					paint(result, await translate(canvas, done), 0);
					save_blob(await new Promise(got => result.toBlob(got)), p.to);
					done++;
				} catch (e) {
					if (!e.status && e.name === 'InvalidStateError')
						e = new Error('it is no picture that this browser reads, or it is damaged');
					bad.push(`${p.name}: ${e.message}`);
					if (e.status === 0 || e.status === 404 || e.status >= 500)
						break;
				}
			}
			status.textContent = `${number(done)} of ${number(all.length)} pictures of ${name} are translated and saved`;
			problem.textContent = bad.length ? `${number(bad.length)} could not be translated; the first: ${bad[0]}` : '';
		} catch (e) {
			problem.textContent = e.message;
		}
		if (going === mine)
			going = null;
		stop.hidden = going !== null;
		input.value = '';
	}

	return {
		elements: [h('div', {class: 'row'}, h('button', {type: 'button', onclick: () => input.click()}, 'Translate a folder…'), input, stop,
			copy_button('Copy command of a folder', () => command(name)), status), problem],
		close() {
			going = null;
		},
	};
}
