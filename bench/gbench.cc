// SPDX-License-Identifier: Apache-2.0
//
// The only C++ of the project: Google Benchmark for bench/gbench.h.
#include "bench/gbench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace
{

std::vector<std::pair<std::string, std::string>> contexts;
size_t longest_name;

// Google Benchmark up to 1.7 has error_occurred, later ones skipped.
template <class Run>
auto error_of(const Run &run, int) -> decltype(run.error_occurred, std::string())
{
  return run.error_occurred ? run.error_message : "";
}

template <class Run>
auto error_of(const Run &run, long) -> decltype(run.skip_message, std::string())
{
  return run.skip_message;
}

// The console without what misleads here: the CPU time of a row, which is that of measuring its
// whole group, and the warning that Debian builds the library without NDEBUG, which concerns its
// own timing loop; times here are measured by us. A row is one line as soon as it is known.
class Console : public benchmark::BenchmarkReporter
{
 public:
  bool ReportContext(const Context &context) override
  {
    std::ostream &to = GetErrorStream();
    to << context.cpu_info.num_cpus << " CPUs\n";
    for (const auto &entry : contexts) to << entry.first << ": " << entry.second << "\n";
    if (context.cpu_info.scaling == benchmark::CPUInfo::ENABLED) {
      to << "CPU frequency scaling is enabled: times will vary\n";
    }
    to.flush();
    return true;
  }

  void ReportRuns(const std::vector<Run> &runs) override
  {
    std::ostream &to = GetOutputStream();
    if (width_ == 0) {
      const size_t suffix = runs[0].repetitions > 1 ? sizeof "_median" - 1 : 0;
      width_ = longest_name + suffix;
      to << Left("row") << "           ms    GFLOP/s     GB/s  of roof\n";
    }
    for (const Run &run : runs) {
      const bool percent = run.aggregate_unit == benchmark::kPercentage;
      std::string name = run.run_name.function_name;
      if (!run.aggregate_name.empty()) name += "_" + run.aggregate_name;
      to << Left(name);
      const std::string error = error_of(run, 0);
      if (!error.empty()) {
        to << " " << error << "\n";
        continue;
      }
      to << Number(percent ? run.real_accumulated_time : run.GetAdjustedRealTime(), 12, 4, percent)
         << Counter(run, "GFLOP/s", 10, percent) << Counter(run, "GB/s", 8, percent)
         << Counter(run, "of_roof", 8, true) << "  " << run.report_label << "\n";
    }
    to.flush();
  }

 private:
  std::string Left(std::string text) const
  {
    text.resize(std::max(text.size(), width_), ' ');
    return text;
  }

  static std::string Number(double value, int width, int digits, bool percent)
  {
    char text[64];
    if (percent) {
      std::snprintf(text, sizeof text, " %*.*f%%", width - 1, std::min(digits, 2), 100 * value);
    } else {
      std::snprintf(text, sizeof text, " %*.*f", width, digits, value);
    }
    return text;
  }

  static std::string Counter(const Run &run, const char *name, int width, bool percent)
  {
    const auto found = run.counters.find(name);
    if (found != run.counters.end()) return Number(found->second.value, width, 1, percent);
    return std::string(static_cast<size_t>(width), ' ') + "-";
  }

  size_t width_ = 0;
};

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

void gbench_context(const char *key, const char *value)
{
  contexts.emplace_back(key, value);
  benchmark::AddCustomContext(key, value);
}

void gbench_register(const char *name, gbench_fn *fn, void *context)
{
  longest_name = std::max(longest_name, std::string(name).size());
  benchmark::RegisterBenchmark(name,
                               [fn, context](benchmark::State &s) { run_row(s, fn, context); })
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

size_t gbench_run(bool console)
{
  Console reporter;
  return console ? benchmark::RunSpecifiedBenchmarks(&reporter)
                 : benchmark::RunSpecifiedBenchmarks();
}

void gbench_shutdown(void) { benchmark::Shutdown(); }
