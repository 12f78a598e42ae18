#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "nusky/threads.hpp"

using namespace nusky;

TEST_CASE("threads: 0 means all, more are capped, negative is refused") {
  CHECK(max_threads() >= 1);
  CHECK(resolve_threads(0) == max_threads());
  CHECK(resolve_threads(1) == 1);
  CHECK(resolve_threads(100000) == max_threads());
  CHECK_THROWS_WITH_AS(resolve_threads(-1), doctest::Contains("n_threads: -1"), std::invalid_argument);
}

TEST_CASE("threads: parallel_for visits every index once") {
  for (const int threads : {1, 2, 0}) {
    std::vector<std::atomic<int>> seen(1000);
    parallel_for(seen.size(), threads, 7, [&](std::size_t i) { ++seen[i]; });
    int wrong = 0;
    for (const auto& s : seen) wrong += s != 1;
    CHECK(wrong == 0);
  }
}

TEST_CASE("threads: run_in_batches does every item once, counts what is done, and stops where a checkpoint says so") {
  for (const int threads : {1, 2}) {
    std::vector<std::atomic<int>> seen(5000);
    std::vector<std::size_t> counts;
    std::atomic<bool> in_range{true};
    const auto work = [&](std::size_t thread, std::size_t i) {
      if (thread >= static_cast<std::size_t>(threads)) in_range = false;
      ++seen[i];
    };
    CHECK(run_in_batches(seen.size(), threads, 8, 3, work, [&](std::size_t done) {
      counts.push_back(done);
      return true;
    }));
    CHECK(in_range);
    for (const auto& s : seen) REQUIRE(s == 1);
    CHECK(counts.front() == 16);
    CHECK(counts.back() == seen.size());
    CHECK(std::is_sorted(counts.begin(), counts.end()));

    CHECK_FALSE(run_in_batches(seen.size(), threads, 8, 3, work, [](std::size_t done) { return done < 16; }));
    for (std::size_t i = 0; i < seen.size(); ++i) REQUIRE(seen[i] == (i < 16 ? 2 : 1));
  }
  CHECK(run_in_batches(0, 2, 8, 1, [](std::size_t, std::size_t) {}, [](std::size_t) { return false; }));
}

TEST_CASE("threads: OMP_NUM_THREADS lowers the number and never raises it") {
  const char* before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before ? before : "";
  setenv("OMP_NUM_THREADS", "1", 1);
  CHECK(max_threads() == 1);
  setenv("OMP_NUM_THREADS", "1000", 1);
  const int most = max_threads();
  setenv("OMP_NUM_THREADS", "nonsense", 1);
  CHECK(max_threads() == most);
  if (before)
    setenv("OMP_NUM_THREADS", kept.c_str(), 1);
  else
    unsetenv("OMP_NUM_THREADS");
}

TEST_CASE("threads: a forked child works on one thread, the parent keeps its own") {
  install_fork_handler();
  int once = 0;
  parallel_for(100, 0, 1, [&](std::size_t i) {
    if (i == 0) once = 1;
  });  // the parent's team is up
  const int before = resolve_threads(0);
  const pid_t child = fork();
  if (child == 0) _exit(resolve_threads(0) == 1 && once == 1 ? 0 : 1);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(resolve_threads(0) == before);
}
