// SPDX-License-Identifier: Apache-2.0
//
// The only C++ of the project: Google Benchmark behind bench/gbench.h.
#include "bench/gbench.h"

#include <benchmark/benchmark.h>

namespace
{

void run_row(benchmark::State &state, gbench_fn *fn, void *context)
{
  for (auto _ : state) {
    gbench_result result = {};
    char error[256] = "";
    if (!fn(context, &result, error, sizeof error)) {
      state.SkipWithError(error);
      return;
    }
    state.SetIterationTime(result.seconds);
    if (result.label[0]) state.SetLabel(result.label);
    for (size_t i = 0; i < result.counters; ++i) {
      state.counters[result.counter[i].name] = result.counter[i].value;
    }
  }
}

}  // namespace

bool gbench_init(int *argc, char **argv)
{
  benchmark::Initialize(argc, argv);
  return true;
}

void gbench_context(const char *key, const char *value) { benchmark::AddCustomContext(key, value); }

void gbench_register(const char *name, gbench_fn *fn, void *context)
{
  benchmark::RegisterBenchmark(name,
                               [fn, context](benchmark::State &s) { run_row(s, fn, context); })
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

size_t gbench_run(void) { return benchmark::RunSpecifiedBenchmarks(); }

void gbench_shutdown(void) { benchmark::Shutdown(); }
