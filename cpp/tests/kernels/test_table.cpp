#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "nusky/kernels/table.hpp"

using namespace nusky;

TEST_CASE("kernels: an unknown level is refused and the list of those there are is given") {
  const std::string before = kernels().name;
  CHECK_THROWS_WITH_AS(set_simd_level("avx1024"), doctest::Contains("avx1024"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(set_simd_level(""), doctest::Contains(simd_levels().c_str()), std::invalid_argument);
  CHECK(kernels().name == before);
}
