#!/usr/bin/env bash
# The core under sanitizers: its C++ tests and random calls against the slow reference (bench/core/random_calls.cpp).
#
#   bench/core/sanitize.sh address [calls] [seed]    memory, leaks, undefined behaviour (Clang, or CXX=g++)
#   bench/core/sanitize.sh thread [calls] [seed]     data races; needs Clang with libomp, whose Archer tells the sanitizer about OpenMP.
#                                                    With GCC's libgomp, which is not instrumented, it reports races that are none.
#
# Debian: clang libclang-rt-dev libomp-dev llvm doctest-dev. The build stays in build/sanitize-KIND; BUILD_DIR, BUILD_JOBS change that, TESTS=0 leaves the C++ tests out.
set -euo pipefail
kind=${1:?address or thread} calls=${2:-1000} seed=${3:-1}
cd "$(dirname "$0")/../.."
build=${BUILD_DIR:-build/sanitize-$kind}
case $kind in
  address) option=ON ;;
  thread) option=thread ;;
  *) echo "$kind: give address or thread" >&2; exit 2 ;;
esac
cmake -S . -B "$build" -DCMAKE_CXX_COMPILER="${CXX:-clang++}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DNUSKY_BUILD_TESTS=ON \
  -DNUSKY_BUILD_BENCH=ON -DNUSKY_SANITIZE=$option > "$build.log" || { cat "$build.log"; exit 1; }
targets=(nusky_random_calls)
[ "${TESTS:-1}" = 0 ] || targets+=(nusky_tests)
cmake --build "$build" --parallel "${BUILD_JOBS:-$(nproc)}" --target "${targets[@]}"

# What a sanitizer reports ends the program with this status
report=66
export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:exitcode=$report UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=$report
export OMP_WAIT_POLICY=passive TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1:exitcode=$report
if [ "$kind" = thread ]; then
  # Archer is loaded by libomp from its own folder, and says so
  libomp=$(ldd "$build/bench/nusky_random_calls" | awk '/libomp/ {print $3}')
  export OMP_TOOL_LIBRARIES=${OMP_TOOL_LIBRARIES:-$(dirname "$(readlink -f "$libomp")")/libarcher.so} ARCHER_OPTIONS=verbose=1
fi
if [ "${TESTS:-1}" != 0 ]; then
  status=0
  "$build/cpp/tests/nusky_tests" || status=$?
  # Their skies and their comparisons bit by bit are those of GCC: with Clang some checks fail, and only reports count
  [ "$status" -le 1 ] || exit "$status"
fi
"$build/bench/nusky_random_calls" "$calls" "$seed" 4
