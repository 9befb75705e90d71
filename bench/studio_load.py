#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# studio_load.py PROGRAM [SECONDS] -- what watching costs a training: a DCGAN trains while 190 readers of event streams (5 of
# them reading 1 kB a second) and 10 programs that poll ten times a second are connected to the studio, and while nobody is,
# in turn. Prints steps per second of each window and the median ratio.
import asyncio, json, os, re, statistics, subprocess, sys, tempfile, time

program, seconds = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 30
folder = tempfile.mkdtemp()
os.mkdir(folder + '/runs')
studio = subprocess.Popen([program, 'studio', 'runs', '--port', '0'], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
port, token = re.match(r'http://127.0.0.1:(\d+)/#t=(\w+)', studio.stdout.readline()).groups()
training = subprocess.Popen([program, 'train', 'dcgan', '--data', 'glyphs', '--width', '16', '--steps', '1000000', '--log-every', '2',
	'--sample-every', '1000000', '--save-every', '1000000', '--outdir', 'runs'], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def last_step():
	with open(folder + '/runs/00000-dcgan-glyphs/stats.jsonl') as f:
		return json.loads(f.readlines()[-1])['step']

def head(path):
	return f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nGm-Token: {token}\r\n\r\n'.encode()

async def reader(slow):
	r, w = await asyncio.open_connection('127.0.0.1', port, limit=1024 if slow else 65536)
	w.write(head('/api/events?topics=runs,run:00000-dcgan-glyphs'))
	while await r.read(1024 if slow else 65536):
		await asyncio.sleep(1 if slow else 0)

async def poller():
	r, w = await asyncio.open_connection('127.0.0.1', port)
	while True:
		w.write(head('/api/poll?topics=runs'))
		size = int(re.search(rb'Content-Length: (\d+)', await r.readuntil(b'\r\n\r\n')).group(1))
		await r.readexactly(size)
		await asyncio.sleep(.1)

async def window(watched):
	tasks = [asyncio.create_task(reader(i < 5)) for i in range(190)] + [asyncio.create_task(poller()) for _ in range(10)] if watched else []
	await asyncio.sleep(2)
	first, began, used, own = last_step(), time.time(), cost()[0], time.process_time()
	await asyncio.sleep(seconds)
	passed = time.time() - began
	rate = (last_step() - first) / passed
	shares = 100 * (cost()[0] - used) / passed, 100 * (time.process_time() - own) / passed
	lost = sum(t.done() for t in tasks)
	for t in tasks:
		if t.done():
			print(t.exception(), file=sys.stderr)
		t.cancel()
	await asyncio.gather(*tasks, return_exceptions=True)
	return rate, lost, shares

async def main():
	ratios = []
	for i in range(5):
		alone, _, _ = await window(False)
		watched, lost, (server, clients) = await window(True)
		ratios.append(watched / alone)
		print(f'{alone:.2f} steps a second alone, {watched:.2f} watched by 200 ({lost} connections lost): ratio '
			f'{watched / alone:.3f}; of a core: studio {server:.1f} %, the 200 clients {clients:.1f} %', flush=True)
	print(f'median ratio {statistics.median(ratios):.3f}')

def cost():
	with open(f'/proc/{studio.pid}/stat') as f:
		s = f.read().rsplit(')', 1)[1].split()
	with open(f'/proc/{studio.pid}/status') as f:
		memory = re.search(r'VmRSS:\s+(\d+)', f.read()).group(1)
	ticks = int(s[11]) + int(s[12])
	return ticks / os.sysconf('SC_CLK_TCK'), int(memory) / 1024

try:
	time.sleep(5)
	asyncio.run(main())
	training.terminate(), training.wait()
	before, _ = cost()
	time.sleep(20)
	after, memory = cost()
	print(f'idle studio: {100 * (after - before) / 20:.2f} % of a core, {memory:.1f} MB')
finally:
	training.kill(), studio.terminate(), studio.wait()
	subprocess.run(['rm', '-rf', folder])
