// SPDX-License-Identifier: MIT
//
// call.cpp RUN -- the latent whose sample has the largest mean, by the gradient through a trained run: the library
// called from C++, without macros of compound literals.
//
//	c++ -std=c++17 call.cpp $(pkg-config --cflags --libs ganymede) -o call
#include <ganymede/ganymede.h>

#include <cstdio>
#include <vector>

int main(int argc, char **argv)
{
	gm_error err = {};
	gm_saved_options options = {};
	options.batch = 4, options.exact = true;
	gm_saved *s = gm_saved_open(argc > 1 ? argv[1] : "runs", &options, &err);
	gm_port port = {};
	if (!s || gm_saved_ports(s, "generate", &port, 1) != 1 || port.kind != GM_PORT_LATENT) {
		std::fprintf(stderr, "%s\n", err.code ? err.message : "this needs a model of one latent, such as dcgan");
		gm_saved_free(s);
		return 1;
	}
	gm_graph *g = gm_saved_graph(s);
	gm_node *z = gm_variable(g, "example/z", port.shape), *x = gm_saved_node(s, "generate", &z, &err), *dz = nullptr;
	std::vector<float> value(static_cast<size_t>(gm_node_size(z)), 0.1f);
	gm_set_f32(z, value.data(), static_cast<int64_t>(value.size()));
	gm_node *mean = gm_mean_all(x);
	gm_grad(mean, &z, 1, &dz);
	gm_node *outputs[] = {mean, gm_assign(z, gm_add(z, gm_mul(dz, gm_scalar(g, 1000))))};
	gm_compile_options infer = {};
	infer.infer = true;
	gm_step *step = gm_compile_nodes(g, outputs, 2, &infer);
	double first = 0, last = 0;
	for (int i = 0; step && i < 50; i++) {
		gm_step_run(step);
		last = gm_step_scalar(step, mean);
		first = i ? first : last;
	}
	if (step)
		std::printf("mean of the samples: %.4f at first, %.4f after 50 steps uphill\n", first, last);
	else
		std::fprintf(stderr, "%s\n", gm_graph_error(g)->message);
	gm_saved_free(s);
	return !(step && last > first);
}
