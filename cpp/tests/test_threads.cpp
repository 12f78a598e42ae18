#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

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
