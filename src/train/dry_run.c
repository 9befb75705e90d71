/* SPDX-License-Identifier: MIT
 *
 * train/dry_run.c -- a summary of a run before training: nets and their shapes, memory, time.
 */
#include "train/dry_run.h"

#include "ganymede/train.h"

#include <inttypes.h>

static const char *shape_text(gm_shape s, char *text, size_t room)
{
	size_t n = 0;
	*text = 0;
	for (int i = 0; i < s.rank && n < room; i++)
		n += snprintf(text + n, room - n, "%s%" PRId64, i ? " x " : "", s.dim[i]);
	return s.rank ? text : "1";
}

static void put_net(FILE *out, const gm_net *net)
{
	char text[128];
	fprintf(out, "%s\n", gm_net_name(net));
	for (int i = 0; i < gm_net_count(net); i++) {
		gm_net_entry e = gm_net_at(net, i);
		if (e.role == GM_PARAM || e.role == GM_FROZEN)
			fprintf(out, "  %-32s %-22s %12" PRId64 "\n", e.name,
			        shape_text(gm_node_shape(e.node), text, sizeof text),
			        gm_node_size(e.node));
	}
	fprintf(out, "  %-55s %12" PRId64 "\n\n", "parameters", gm_net_parameters(net));
}

/* Seconds as "12 s", "3.5 min", "7.2 h", "4.1 days" */
static const char *long_time(double s, char text[32])
{
	if (s < 100)
		snprintf(text, 32, "%.3g s", s);
	else if (s < 5400)
		snprintf(text, 32, "%.3g min", s / 60);
	else if (s < 48 * 3600)
		snprintf(text, 32, "%.3g h", s / 3600);
	else
		snprintf(text, 32, "%.3g days", s / 86400);
	return text;
}

static void put_bytes(FILE *out, const char *what, double bytes)
{
	fprintf(out, "  %-44s %10.1f MB\n", what, bytes / 1e6);
}

/* Bytes of a run. */
typedef struct memory {
	double kept[GM_FROZEN + 1]; /* tensors by role */
	double steps, others;       /* intermediate values of training steps; of all else */
	double checkpoint, all;
} memory;

static memory memory_of(gm_run *r)
{
	memory m = {0};
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < gm_net_count(r->net[i]); j++) {
			gm_net_entry e = gm_net_at(r->net[i], j);
			m.kept[e.role] += 4. * (double)gm_node_size(e.node);
		}
	for (int i = 0; i < r->parts; i++)
		m.steps += (double)gm_step_describe(r->part[i].step).arena_bytes;
	m.others = gm_endpoint_memory(r);
	for (int i = 0; i < r->guard.watches; i++)
		m.others += (double)gm_step_describe(r->guard.watch[i].probe).arena_bytes;
	for (int i = 0; i <= GM_FROZEN; i++)
		m.checkpoint += m.kept[i];
	m.all = m.checkpoint + m.steps + m.others;
	return m;
}

void gm_dry_run_json(gm_run *r)
{
	const memory m = memory_of(r);
	fputs("{\"parameters\": {", r->call->out);
	for (int i = 0; i < r->nets; i++)
		fprintf(r->call->out, "%s\"%s\": %" PRId64, i ? ", " : "", gm_net_name(r->net[i]),
		        gm_net_parameters(r->net[i]));
	fprintf(r->call->out, "}, \"checkpoint\": %.0f, \"bytes\": %.0f}\n", m.checkpoint, m.all);
	fflush(r->call->out);
}

void gm_dry_run_print(gm_run *r)
{
	FILE *out = r->call->out;
	const struct gm_speed *v = &r->call->speed;
	const char *what = gm_facts_word(&r->facts);
	const memory m = memory_of(r);
	char time[2][32];
	fprintf(out, "%s: %s, %s\n\n", r->model->name, r->model->title, r->model->source);
	for (int i = 0; i < r->nets; i++)
		put_net(out, r->net[i]);
	fprintf(out, "memory\n");
	put_bytes(out, "parameters and running statistics",
	          m.kept[GM_PARAM] + m.kept[GM_FROZEN] + m.kept[GM_STAT]);
	put_bytes(out, "optimiser state", m.kept[GM_MOMENT]);
	if (m.kept[GM_AVERAGE] > 0)
		put_bytes(out, "moving averages", m.kept[GM_AVERAGE]);
	put_bytes(out, "intermediate values of the training steps", m.steps);
	put_bytes(out, "intermediate values of sample images and monitors", m.others);
	put_bytes(out, "a checkpoint", m.checkpoint);
	put_bytes(out, "total, without the data and the program", m.all);
	double examples = (double)r->measured / (v->turns ? v->turns : 1);
	double spent = 1e-9;
	for (int i = 0; i < r->turns; i++)
		spent += r->turn[i];
	fprintf(out,
	        "\ntime, on this machine\n  one step of %.0f %s: %.4g ms (measured over %d; data: "
	        "%.2g%%)\n"
	        "  1000 %s: %.4g s\n  %" PRId64
	        " steps: about %s, plus sample images, monitors and checkpoints\n  from start to "
	        "the end of the first step: %s\n",
	        examples, what, v->step * 1e3, v->turns, 100 * r->feed_seconds / spent, what,
	        examples > 0 ? v->step / examples * 1000 : 0, r->total,
	        long_time((double)r->total * v->step, time[0]), long_time(v->ready, time[1]));
	fflush(out);
}
